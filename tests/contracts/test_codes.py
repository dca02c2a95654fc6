"""What every registered packet code for packets must hold; a plug-in passes unchanged.

Codes of face coefficients (`protects = "face"`) have no byte symbols and are tested with the endpoint that takes them.
"""

from itertools import product

import numpy as np
import pytest

from lossweep.channels.errors import LossweepError
from lossweep.endpoints.fec.adu import RepairHeader, protect
from lossweep.endpoints.fec.code import CODES
from lossweep.endpoints.fec.rebuild import SourceBlock, rebuild
from lossweep.endpoints.session import FecParameters, from_json, to_json

OPTIONS = {"none": {}}
"""Parameters of codes that take none at all; every other code takes a `code_rate`."""
SIZES = (1, 2, 3, 4, 5)
MAX_N = 12


def families():
    return [
        pytest.param(
            CODES.get(name).from_params(**OPTIONS.get(name, {"code_rate": rate})), id=f"{name}-{rate:g}"
        )
        for name in CODES.names()
        if getattr(CODES.get(name), "protects", "face") == "packets"
        for rate in ((1.0,) if name in OPTIONS else (0.5, 0.25))
    ]


def blocks(family, sizes=SIZES):
    for k in sizes:
        code = family.make(k)
        if code.n <= MAX_N:
            yield code


def symbols(k, size=4, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.bytes(size) for _ in range(k)]


@pytest.mark.parametrize("family", families())
def test_the_code_is_systematic_and_has_its_rate(family):
    assert 0 < family.code_rate <= 1
    for code in blocks(family):
        source = symbols(code.k)
        sent = code.encode(source)
        assert sent[: code.k] == source
        assert len(sent) == code.n >= code.k
        assert code.k / code.n <= family.code_rate + 1e-9


@pytest.mark.parametrize("family", families())
def test_bytes_and_pattern_agree_on_every_pattern(family):
    for code in blocks(family):
        source = symbols(code.k)
        sent = code.encode(source)
        for pattern in product([False, True], repeat=code.n):
            arrived = np.array(pattern)
            recovered = code.recovers(arrived)
            assert recovered.shape == (code.k,)
            assert (recovered | ~arrived[: code.k]).all(), "what arrived counts as recovered"
            decoded = code.decode({esi: sent[esi] for esi in np.flatnonzero(arrived).tolist()})
            assert decoded == [s if known else None for s, known in zip(source, recovered, strict=True)]


@pytest.mark.parametrize("family", families())
def test_more_packets_never_recover_less(family):
    for code in blocks(family, (2, 3)):
        for pattern in product([False, True], repeat=code.n):
            arrived = np.array(pattern)
            before = code.recovers(arrived)
            for esi in np.flatnonzero(~arrived):
                more = arrived.copy()
                more[esi] = True
                assert (code.recovers(more) | ~before).all()


@pytest.mark.parametrize("family", families())
def test_a_repair_symbol_is_made_of_what_it_depends_on(family):
    for code in blocks(family):
        source = symbols(code.k)
        sent = code.encode(source)
        for esi in range(code.k, code.n):
            needed = set(code.depends_on(esi))
            assert needed
            assert needed <= set(range(code.k))
            for i in range(code.k):
                changed = [bytes(b ^ 0xFF for b in s) if j == i else s for j, s in enumerate(source)]
                assert (code.encode(changed)[esi] != sent[esi]) == (i in needed)


@pytest.mark.parametrize("family", families())
def test_packets_are_rebuilt_from_bytes_as_the_pattern_says(family):
    fec = from_json(to_json(family.parameters()), FecParameters)
    rng = np.random.default_rng(1)
    for code in blocks(family, (2, 4)):
        adus = [rng.bytes(int(rng.integers(12, 40))) for _ in range(code.k)]
        repair = protect(adus, code)
        for _ in range(40):
            arrived = rng.random(code.n) < 0.6
            times = rng.random(code.n)
            block = SourceBlock(0, code.k)
            for esi in range(code.k, code.n):
                if arrived[esi]:
                    header = RepairHeader(0, esi, code.k, 0)
                    parsed, symbol = RepairHeader.parse(header.serialize() + repair[esi - code.k])
                    block.repair[parsed.esi] = symbol, float(times[esi])
            source = {i: (adus[i], float(times[i])) for i in range(code.k) if arrived[i]}
            rebuilt = rebuild(block, source, fec)
            recovered = code.recovers(arrived)
            for i in range(code.k):
                if i in rebuilt:
                    packet, when_s = rebuilt[i]
                    assert packet == adus[i]
                    assert code.recovers(arrived & (times <= when_s))[i]
                    assert not code.recovers(arrived & (times < when_s))[i]
                    assert i not in source or source[i][1] > when_s
                assert (i in rebuilt or i in source) == recovered[i]


@pytest.mark.parametrize("family", families())
def test_damaged_repair_packets_are_refused_or_give_other_packets(family):
    code = family.make(3)
    if code.n == code.k:
        pytest.skip("no repair packets")
    fec, adus = family.parameters(), [b"first packet", b"second", b"the third one"]
    repair = protect(adus, code)
    rng = np.random.default_rng(2)
    for _ in range(300):
        esi = int(rng.integers(code.k, code.n))
        symbol = bytearray(repair[esi - code.k])
        symbol[int(rng.integers(len(symbol)))] ^= int(rng.integers(1, 256))
        block = SourceBlock(0, 3, {esi: (bytes(symbol[: int(rng.integers(1, len(symbol) + 1))]), 0.0)})
        rebuild(block, {0: (adus[0], 0.0), 1: (adus[1], 0.0)}, fec)


@pytest.mark.parametrize("family", families())
def test_what_a_code_cannot_do_is_one_line(family):
    for wrong in ((0,), (3, 2)):
        with pytest.raises((ValueError, LossweepError)) as error:
            family.make(*wrong)
        assert "\n" not in str(error.value)
        assert f"k={wrong[0]}" in str(error.value)
