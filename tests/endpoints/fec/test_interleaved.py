"""Interleaved Reed-Solomon: what bursts it repairs, against one code, and blocks beyond 255 packets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossweep.endpoints.fec.reed_solomon import ReedSolomon


def kept(code, lost):
    return code.recovers(~np.isin(np.arange(code.n), list(lost))).all()


@given(k=st.integers(1, 40), repair=st.integers(0, 40), depth=st.integers(1, 6))
@settings(max_examples=200, deadline=None)
def test_every_burst_of_source_packets_that_the_codes_share_is_repaired(k, repair, depth):
    code = ReedSolomon(1.0, interleave=depth).make(k, k + repair)
    share = repair // min(depth, k)
    for first in range(k):
        burst = range(first, min(k, first + share * min(depth, k)))
        assert kept(code, burst)


@given(data=st.data(), k=st.integers(1, 30), repair=st.integers(0, 30), depth=st.integers(2, 6))
@settings(max_examples=200, deadline=None)
def test_one_code_gives_back_every_block_that_interleaved_ones_do(data, k, repair, depth):
    arrived = np.array(
        data.draw(st.lists(st.booleans(), min_size=k + repair, max_size=k + repair)), dtype=bool
    )
    interleaved = ReedSolomon(1.0, interleave=depth).make(k, k + repair).recovers(arrived)
    one = ReedSolomon(1.0).make(k, k + repair).recovers(arrived)
    assert one.all() or not interleaved.all()


@given(k=st.integers(1, 300), repair=st.integers(0, 300), depth=st.integers(1, 8))
def test_the_codes_share_source_and_repair_packets(k, repair, depth):
    try:
        code = ReedSolomon(1.0, interleave=depth).make(k, k + repair)
    except ValueError:
        codes = min(depth, k)
        assert -(-k // codes) + -(-repair // codes) > 255
        return
    if depth == 1 or k == 1:
        return
    assert sorted(place for j in range(len(code.codes)) for place in code.places(j)) == list(
        range(k + repair)
    )
    repairs = [one.n - one.k for one in code.codes]
    assert max(repairs) - min(repairs) <= 1


def test_a_block_of_400_packets_needs_two_codes_and_comes_back():
    with pytest.raises(ValueError, match=r"k=400 would need n=500.*interleave: 2"):
        ReedSolomon(0.8).make(400)
    code = ReedSolomon(0.8, interleave=2).make(400)
    source = [bytes([i % 256, i // 256]) for i in range(400)]
    sent = code.encode(source)
    there = {esi: symbol for esi, symbol in enumerate(sent) if not 50 <= esi < 150}
    assert code.decode(there) == source


@pytest.mark.parametrize(
    "wrong", [{"interleave": 0}, {"interleave": 1.5}, {"key_code_rate": 0.0}, {"key_code_rate": 2}]
)
def test_parameters_out_of_range_are_one_line(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ReedSolomon(0.5, **wrong)


def test_objects_have_no_key_frames_and_no_interleaving():
    for more in ({"interleave": 2}, {"key_code_rate": 0.5}):
        with pytest.raises(ValueError, match="packetization rtp"):
            ReedSolomon(0.5, **more).make_object(32)
