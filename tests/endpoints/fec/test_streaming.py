"""Martinian and Sundberg's code: every burst of B within T packets, exhaustively; its rate; its header; its limits."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossweep.endpoints.fec.adu import FecError
from lossweep.endpoints.fec.rlc import Rlc
from lossweep.endpoints.fec.streaming import Streaming, StreamingBlock, StreamingFormat
from lossweep.sim.rtp import RtpHeader

FORMAT = StreamingFormat()
SMALL = [(delay, burst) for delay in range(1, 6) for burst in range(1, delay + 1)]


def repaired_after(code, lost, order):
    """Source packets sent after a packet until it is known; 0 where it arrived, inf where it is never known."""
    progress, sent = code.progress(), 0
    after = np.full(code.k, np.inf)
    for esi in order:
        sent += esi < code.k
        if esi in lost:
            continue
        if esi < code.k:
            after[esi] = 0
        for found in progress.add(esi):
            after[found] = sent - 1 - found
    return after


def bursts(code, sources):
    """Every run of packets on the wire with 1 to so many source packets in it, before the stream's last packets."""
    order = [esi for esi in code.order if esi < code.k or code.place(esi) < code.k]
    for first in range(len(order)):
        for end in range(first + 1, len(order) + 1):
            run = order[first:end]
            count = sum(esi < code.k for esi in run)
            if count > sources:
                break
            if count:
                yield set(run)


@pytest.mark.parametrize(("delay", "burst"), SMALL)
def test_every_burst_of_b_is_repaired_within_t_packets(delay, burst):
    code = StreamingBlock(2 * delay + burst + 2, delay, burst)
    for lost in bursts(code, burst):
        assert (repaired_after(code, lost, code.order) <= delay).all()


@pytest.mark.parametrize(("delay", "burst"), SMALL)
def test_no_burst_of_one_more_is_repaired_whole_in_that_time(delay, burst):
    code = StreamingBlock(3 * delay + burst + 2, delay, burst)
    for first in range(1, delay):
        lost = {esi for i in range(first, first + burst + 1) for esi in (i, _repair_of(code, i))}
        assert not (repaired_after(code, lost, code.order) <= delay).all()


def _repair_of(code, packet):
    return next((esi for esi in range(code.k, code.n) if code.place(esi) == packet), packet)


@pytest.mark.parametrize(("delay", "burst"), [(3, 2), (4, 2), (5, 3)])
def test_bursts_with_t_packets_between_them_are_repaired(delay, burst):
    code = StreamingBlock(4 * (delay + burst), delay, burst)
    lost = set()
    for first in range(1, code.k, delay + burst):
        lost |= {esi for i in range(first, min(first + burst, code.k)) for esi in (i, _repair_of(code, i))}
    assert (repaired_after(code, lost, code.order) <= delay).all()


def test_at_rate_one_half_bursts_of_ten_within_ten_packets_where_a_random_linear_code_repairs_five():
    """With delay T a random linear code of rate R repairs bursts of at most (1 - R)(T + 1) packets."""
    streaming, rlc = Streaming(0.5, 10).make(60), Rlc(0.5, 40).make(60)
    for length, by_rlc in ((5, True), (6, False), (10, False)):
        for code, repaired in ((streaming, True), (rlc, by_rlc)):
            pairs = {esi for i in range(20, 20 + length) for esi in (i, _after(code, i))}
            order = sorted(range(code.n), key=lambda esi: (_place(code, esi), esi))
            assert (repaired_after(code, pairs, order) <= 10).all() == repaired


def _place(code, esi):
    return esi if esi < code.k else code.sent_after(esi)


def _after(code, packet):
    return next(esi for esi in range(code.k, code.n) if code.sent_after(esi) == packet)


def test_a_repair_packet_has_b_of_t_parts():
    source = [bytes([i]) * 1200 for i in range(40)]
    sent = Streaming(0.8, 12).make(40).encode(source)
    assert {len(symbol) for symbol in sent[45:75]} == {1 + 1200 * 3 // 12}
    assert Streaming(0.75, 10).burst == 4
    assert Streaming(0.5, 4).make(8).n == 16


def test_with_b_of_t_it_is_a_delayed_copy():
    source = [bytes([i, 7, 9, i]) for i in range(6)]
    sent = Streaming(0.5, 2).make(6).encode(source)
    assert [symbol[1:] for symbol in sent[6:]] == [bytes([i, 9, 7, i]) for i in range(6)]


@pytest.mark.parametrize(("delay", "burst"), [(3, 2), (4, 2), (5, 3)])
def test_bytes_and_pattern_agree(delay, burst):
    code, rng = StreamingBlock(9, delay, burst), np.random.default_rng(1)
    source = [rng.bytes(11) for _ in range(code.k)]
    sent = code.encode(source)
    for _ in range(100):
        arrived = rng.random(code.n) < 0.7
        known = code.recovers(arrived)
        assert (known | ~arrived[: code.k]).all()
        decoded = code.decode({esi: sent[esi] for esi in np.flatnonzero(arrived).tolist()})
        assert decoded == [s if there else None for s, there in zip(source, known, strict=True)]


def test_header_golden_bytes():
    packets = [RtpHeader(96, (0xFFFF + i) % 2**16, 9 * i, 7).serialize() + bytes([i]) for i in range(3)]
    payloads = FORMAT.payloads(packets, Streaming(0.5, 2).make(3), 0)
    assert [payload[:3].hex() for payload in payloads] == ["000100", "000101", "000102"]
    assert {len(payload) for payload in payloads} == {3 + 16}


@given(st.binary(max_size=20))
@settings(max_examples=100, deadline=None)
def test_parsing_any_bytes_raises_only_fec_error(payload):
    with contextlib.suppress(FecError):
        FORMAT.parse(payload)


def test_errors_name_the_thing():
    with pytest.raises(
        ValueError, match=r"code_rate is 0\.4; a streaming code has 1/2 or more, below 1; use rs or rlc"
    ):
        Streaming(0.4)
    with pytest.raises(ValueError, match="delay is 0"):
        Streaming(0.5, 0)
    with pytest.raises(ValueError, match="k=3, n=4"):
        Streaming(0.5).make(3, 4)
