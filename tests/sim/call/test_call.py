"""The call: equal to the open loop without mechanisms, NACK after FEC, one loss never stalls it, two paths apart."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from nack_anchor import CLOCK_RATE, PAYLOAD_TYPE, SSRC

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.delay import Delay
from lossweep.channels.loss_trace import LossTrace
from lossweep.endpoints.fec.reed_solomon_block import ReedSolomonBlock
from lossweep.sim.call.call import call
from lossweep.sim.call.flow import Flow
from lossweep.sim.call.mechanisms import Mechanisms
from lossweep.sim.call.nack import NackRule
from lossweep.sim.call.record import Kind
from lossweep.sim.call.sources import StreamSource
from lossweep.sim.rtp import RtpHeader
from lossweep.sim.simulate import simulate
from lossweep.sim.stream import Block, Stream

REPAIR_SSRC, FRAME_S = 8, 0.04
FLOW = Flow("packets", SSRC, PAYLOAD_TYPE, CLOCK_RATE, repair_ssrc=REPAIR_SSRC)


def stream(blocks, k=4, n=6):
    """Blocks of k source packets and n - k repair packets, one block each 40 ms."""
    code, packets = ReedSolomonBlock(k, n), []
    for i in range(blocks):
        stamp = round(i * FRAME_S * CLOCK_RATE)
        packets += [
            RtpHeader(PAYLOAD_TYPE, (i * k + j) % 2**16, stamp, SSRC).serialize() + bytes(50)
            for j in range(k)
        ]
        packets += [
            RtpHeader(97, (i * (n - k) + j) % 2**16, stamp, REPAIR_SSRC).serialize() + bytes(60)
            for j in range(n - k)
        ]
    times = np.repeat(np.arange(blocks) * FRAME_S, n)
    made = tuple(Block(i, i * n, code, i * FRAME_S, FRAME_S) for i in range(blocks))
    return Stream(tuple(packets), times, times, made)


def run(sent, forward, reverse=(), seed=1, **mechanisms):
    return call(
        [StreamSource(sent, [FLOW], 2.5)],
        [FLOW],
        forward,
        reverse,
        Mechanisms(playout_delay_s=0.3, **mechanisms),
        seed=seed,
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 0.5), st.floats(0, 0.05))
def test_without_mechanisms_it_is_the_open_loop(seed, loss, jitter):
    sent = stream(20)
    path = (Bernoulli(loss), Delay(0.05, jitter, reordering=True))
    found = run(sent, path, seed=seed).delivery
    expected = simulate(sent, *path, seed=seed, playout_delay_s=0.3)
    for name in (
        "sbn",
        "esi",
        "source",
        "size_bytes",
        "sent_s",
        "arrived_s",
        "lost",
        "late",
        "recovered",
        "usable",
    ):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)


def losing(tmp_path, pattern):
    file = tmp_path / "losses.txt"
    file.write_text(pattern)
    return LossTrace(str(file), begin="start")


def test_a_packet_that_fec_gave_back_is_not_requested_again(tmp_path):
    """Packets 0 and 1 of the first block are lost; the gap is seen at packet 2, before the repair packets come."""
    path = losing(tmp_path, "11" + "0" * 500)
    result = run(stream(20), (path, Delay(0.05)), (Delay(0.05),), nack=NackRule())
    assert result.counts.nack_count == 1
    assert result.delivery.usable[result.delivery.source].all()


def test_the_gap_at_a_blocks_end_is_seen_after_fec(tmp_path):
    """The fifth datagram is lost (the second is a sender report): the repair packets come before the next block."""
    path = losing(tmp_path, "00001" + "0" * 500)
    result = run(stream(20), (path, Delay(0.05)), (Delay(0.05),), nack=NackRule())
    assert result.counts.nack_count == 0
    assert result.delivery.recovered.sum() == 1


def test_feedback_needs_a_path_back():
    with pytest.raises(ValueError, match="reverse path"):
        run(stream(2), (Delay(0.05),), nack=NackRule())


def test_the_way_back_has_random_numbers_of_its_own():
    """What is lost on the way back leaves the losses of first transmissions as they are."""
    sent = stream(100, 4, 4)
    lost = [
        run(sent, (Bernoulli(0.1), Delay(0.05)), (Bernoulli(p), Delay(0.05)), nack=NackRule()).delivery.lost
        for p in (0.0, 0.5)
    ]
    np.testing.assert_array_equal(*lost)


def test_one_lost_packet_delays_itself_alone(tmp_path):
    path = losing(tmp_path, "0" * 9 + "1" + "0" * 6000)
    result = run(stream(1000, 4, 4), (path, Delay(0.05)), (Delay(0.05),), nack=NackRule())
    waits = np.array([packet.known_s - packet.sent_s for packet in result.packets])
    assert (waits > 0.051).sum() == 1
    assert result.retransmissions == 1


def test_all_that_is_sent_is_lost_or_arrives():
    result = run(stream(200, 4, 4), (Bernoulli(0.2), Delay(0.05)), (Delay(0.05),), nack=NackRule())
    forward = result.forward
    again = forward.of(Kind.RTX)
    assert again.sum() == result.retransmissions
    assert np.isfinite(forward.arrived_s[again]).sum() == result.counts.retransmitted_packets_received
    assert np.isclose(np.isinf(forward.arrived_s).mean(), 0.2, atol=0.05)


def test_equal_calls_give_equal_results():
    results = [
        run(stream(50, 4, 4), (Bernoulli(0.2), Delay(0.05, 0.01)), (Delay(0.05),), nack=NackRule())
        for _ in range(2)
    ]
    assert results[0].arrivals == results[1].arrivals
