"""Packet codes: what the arrival pattern promises, the bytes keep; reedsolo agrees."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reedsolo import ReedSolomonError, RSCodec

from lossweep.endpoints.fec.code import CODES
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.fec.reed_solomon import ReedSolomon

SMALL = [(k, n) for n in range(1, 9) for k in range(1, n + 1)]


def symbols(k, size=5, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.bytes(size) for _ in range(k)]


@pytest.mark.parametrize(("k", "n"), SMALL)
def test_pattern_law_and_bytes_agree_on_every_pattern(k, n):
    code = ReedSolomon(1.0).make(k, n)
    source = symbols(k)
    sent = code.encode(source)
    assert sent[:k] == source
    assert len(sent) == n
    for pattern in product([False, True], repeat=n):
        decoded = code.decode({esi: sent[esi] for esi in range(n) if pattern[esi]})
        promised = code.recovers(np.array(pattern))
        assert decoded == [s if known else None for s, known in zip(source, promised, strict=True)]


@pytest.mark.parametrize(("k", "n"), [(k, n) for k, n in SMALL if k < n <= 6])
def test_reedsolo_recovers_whole_blocks_exactly_where_we_do(k, n):
    code, oracle = ReedSolomon(1.0).make(k, n), RSCodec(n - k)
    source = symbols(k, size=1)
    word = bytearray(oracle.encode(b"".join(source)))
    for pattern in product([False, True], repeat=n):
        lost = [esi for esi in range(n) if not pattern[esi]]
        damaged = bytearray(0 if esi in lost else byte for esi, byte in enumerate(word))
        try:
            whole = bytes(oracle.decode(damaged, erase_pos=lost)[0]) == b"".join(source)
        except ReedSolomonError:
            whole = False
        assert bool(code.recovers(np.array(pattern)).all()) == whole


@settings(max_examples=40, deadline=None)
@given(data=st.data(), block=st.sampled_from([(32, 63), (32, 127), (1, 255), (128, 255), (200, 200)]))
def test_any_k_of_n_give_the_block_back(data, block):
    k, n = block
    code, source = ReedSolomon(0.5).make(k, n), symbols(k, size=3)
    sent = code.encode(source)
    some = data.draw(st.permutations(range(n)))[:k]
    assert code.decode({esi: sent[esi] for esi in some}) == source
    arrived = np.isin(np.arange(n), some[1:])
    assert (code.recovers(arrived) == arrived[:k]).all()


def test_code_rate_gives_n():
    def make(rate, k):
        return ReedSolomon(rate).make(k).n

    assert [make(0.5, 32), make(0.25, 32), make(1, 7), make(0.3, 3), make(2 / 3, 5)] == [64, 128, 7, 10, 8]
    assert ReedSolomon(0.5).label == "rs-0.5"
    assert CODES.get("rs").from_params(code_rate=0.25) == ReedSolomon(0.25)


def test_no_code_is_the_pattern_itself():
    code = CODES.get("none").from_params().make(3)
    assert (code.k, code.n, NoCode().label, NoCode().code_rate) == (3, 3, "none", 1.0)
    arrived = np.array([True, False, True])
    assert (code.recovers(arrived) == arrived).all()
    assert code.decode({0: b"a", 2: b"c"}) == [b"a", None, b"c"]
    assert code.encode([b"a", b"b", b"c"]) == [b"a", b"b", b"c"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: ReedSolomon(0.5).make(200), "k=200 would need n=400: use shorter blocks"),
        (lambda: ReedSolomon(0.5).make(5, 4), "k=5, n=4"),
        (lambda: ReedSolomon(0), r"code_rate is 0; it must be a number in \(0, 1\]"),
        (lambda: ReedSolomon.from_params(), "missing 'code_rate'"),
        (lambda: NoCode.from_params(code_rate=1), "unknown 'code_rate'"),
        (lambda: NoCode().make(3, 4), "n=4 packets of k=3"),
        (lambda: ReedSolomon(0.5).make(2).encode([b"a"]), "takes k=2"),
        (lambda: ReedSolomon(0.5).make(2).encode([b"a", b"bc"]), "one length"),
        (lambda: ReedSolomon(0.5).make(2).decode({4: b"a"}), "0 to 3"),
    ],
)
def test_errors_name_the_thing(wrong, says):
    with pytest.raises(ValueError, match=says):
        wrong()
