"""What every registered packet code for packets must hold; a plug-in passes unchanged.

Codes of face coefficients (`protects = "face"`) have no byte symbols and are tested with the endpoint that takes them.
"""

from itertools import product

import numpy as np
import pytest

from lossweep.channels.errors import LossweepError, MissingPackage
from lossweep.endpoints.fec.adu import FecError
from lossweep.endpoints.fec.code import CODES
from lossweep.endpoints.fec.packets import repair_packets
from lossweep.endpoints.fec.repair_format import Repair
from lossweep.endpoints.session import FecParameters, RepairStream, RtpStream, from_json, to_json
from lossweep.sim.rtp import RtpHeader, extend, parse

RATES = ({"code_rate": 0.5}, {"code_rate": 0.25})
OPTIONS = {
    "none": ({},),
    "flexfec": tuple(rate | {"pattern": one} for rate in RATES for one in ("row", "column", "2d")),
    "rlc": (*RATES, {"code_rate": 0.5, "window": 2}, {"code_rate": 2 / 3, "window": 3}),
    "rs": (
        *RATES,
        {"code_rate": 0.5, "interleave": 2},
        {"code_rate": 0.7, "interleave": 3, "key_code_rate": 0.5},
    ),
    "streaming": (
        {"code_rate": 0.5, "delay": 2},
        {"code_rate": 2 / 3, "delay": 2},
    ),
    "tambur": ({"code_rate": 0.5}, {"code_rate": 0.3, "delay": 1}),
    "ulpfec": tuple(rate | {"pattern": one} for rate in RATES for one in ("random", "bursty")),
}
"""Parameters of codes that have more than a `code_rate`, or none."""
SIZES = (1, 2, 3, 4, 5)
MAX_N = 12


def families():
    made = []
    for name in CODES.names():
        if getattr(CODES.get(name), "protects", "face") != "packets":
            continue
        try:
            ours = [CODES.get(name).from_params(**options) for options in OPTIONS.get(name, RATES)]
        except MissingPackage as error:
            made.append(pytest.param(None, id=name, marks=pytest.mark.skip(str(error))))
        else:
            made += [pytest.param(family, id=family.label) for family in ours]
    return made


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
        patterns = product([False, True], repeat=code.n)
        recovered = {pattern: code.recovers(np.array(pattern)) for pattern in patterns}
        for pattern, before in recovered.items():
            for esi in range(code.n):
                more = recovered[*pattern[:esi], True, *pattern[esi + 1 :]]
                assert (more | ~before).all()


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


FIRST, FIRST_REPAIR = 65_534, 7


def rtp_stream(family):
    fec = from_json(to_json(family.parameters()), FecParameters)
    return RtpStream("video", 0xABCD, 96, 90_000, FIRST, 0, RepairStream(0xABCE, 97, fec))


def rtp_packets(k, rng):
    """RTP packets of unequal length whose sequence numbers wrap."""
    stamps = [int(rng.integers(2**32)) for _ in range(k)]
    return [
        RtpHeader(96, (FIRST + i) % 2**16, stamps[i], 0xABCD, bool(i % 2)).serialize()
        + rng.bytes(int(rng.integers(40)))
        for i in range(k)
    ]


def received(family, packets, times):
    """The repair packets as a receiver knows them, in order of arrival."""
    form, out = family.repair_format, []
    for esi in sorted(packets, key=times.__getitem__):
        header, payload = parse(packets[esi])
        assert (header.ssrc, header.payload_type) == (0xABCE, 97)
        parsed = form.parse(payload)
        out.append(Repair(extend(parsed.base_sequence_number, FIRST) - FIRST, parsed, float(times[esi])))
    return out


@pytest.mark.parametrize("family", families())
def test_packets_are_rebuilt_from_bytes_as_the_pattern_says(family):
    stream, rng = rtp_stream(family), np.random.default_rng(1)
    for code in blocks(family):
        packets = rtp_packets(code.k, rng)
        repair = repair_packets(packets, code, 5, stream, FIRST_REPAIR, [0] * (code.n - code.k))
        assert len(repair) == code.n - code.k
        for pattern in chosen(code.n, rng):
            arrived, times = np.array(pattern), rng.random(code.n)
            there = {esi: repair[esi - code.k] for esi in range(code.k, code.n) if arrived[esi]}
            source = {i: (packets[i], float(times[i])) for i in range(code.k) if arrived[i]}
            rebuilt = family.repair_format.rebuild(
                received(family, there, times), source, stream, family.make
            )
            recovered = code.recovers(arrived)
            for i in range(code.k):
                assert (i in rebuilt or i in source) == recovered[i]
                if i in rebuilt:
                    packet, when_s = rebuilt[i]
                    assert packet == packets[i]
                    assert code.recovers(arrived & (times <= when_s))[i]
                    assert not code.recovers(arrived & (times < when_s))[i]
                    assert i not in source or source[i][1] > when_s


def chosen(n, rng):
    """Every pattern of few packets, some of many."""
    if n <= 6:
        return list(product([False, True], repeat=n))
    return rng.random((60, n)) < 0.6


@pytest.mark.parametrize("family", families())
def test_damaged_repair_packets_are_refused_or_give_other_packets(family):
    code = family.make(3)
    if code.n == code.k:
        pytest.skip("no repair packets")
    stream, rng = rtp_stream(family), np.random.default_rng(2)
    packets = rtp_packets(3, rng)
    repair = repair_packets(packets, code, 5, stream, FIRST_REPAIR, [0] * (code.n - code.k))
    form = family.repair_format
    for _ in range(300):
        data = bytearray(parse(repair[int(rng.integers(len(repair)))])[1])
        data[int(rng.integers(len(data)))] ^= int(rng.integers(1, 256))
        try:
            parsed = form.parse(bytes(data[: int(rng.integers(len(data) + 1))]))
        except FecError:
            continue
        damaged = [Repair(0, parsed, 0.0)]
        form.rebuild(damaged, {0: (packets[0], 0.0), 1: (packets[1], 0.0)}, stream, family.make)


@pytest.mark.parametrize("family", families())
def test_what_a_code_cannot_do_is_one_line(family):
    for wrong in ((0,), (3, 2)):
        with pytest.raises((ValueError, LossweepError)) as error:
            family.make(*wrong)
        assert "\n" not in str(error.value)
        assert f"k={wrong[0]}" in str(error.value)
