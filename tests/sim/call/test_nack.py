"""Generic NACK and retransmission: WebRTC's rule against the measured table, and single properties."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from nack_anchor import LOSS, SPACING_S, residual

from lossweep.sim.call.nack import NackRequester, NackRule
from lossweep.sim.call.rtx import unwrap, wrap
from lossweep.sim.rtp import RtpHeader, parse

MEASURED = 6000


def law(rtt_s, slack_s, burst_s):
    """Exact residual: the packet and all retransmissions that fit are lost; they leave 10 ms + j RTT after it."""
    tries = math.floor((slack_s - 0.01) / rtt_s + 1e-9)
    if burst_s is None:
        return LOSS ** (tries + 1)
    rate = 1 / burst_s / (1 - LOSS)
    still = [LOSS + (1 - LOSS) * math.exp(-rate * gap) for gap in [0.01 + rtt_s, *[rtt_s] * (tries - 1)]]
    return LOSS * math.prod(still[:tries])


@pytest.mark.parametrize("burst_s", [None, 0.03, 0.08])
@pytest.mark.parametrize(("rtt_s", "slack_s"), [(0.02, 0.05), (0.05, 0.1), (0.1, 0.1), (0.1, 0.15)])
def test_the_residual_loss_is_that_of_the_law(rtt_s, slack_s, burst_s):
    """Within 4 standard errors; bursts count as one sample each (anchors/nack_residual.txt has the same figures)."""
    expected = law(rtt_s, slack_s, burst_s)
    found = residual(rtt_s, slack_s, burst_s, MEASURED)
    together = 1 if burst_s is None else 1 + 2 * burst_s / SPACING_S
    error = math.sqrt(expected * together / MEASURED)
    assert abs(found - expected) <= 4 * error + 1 / MEASURED


def test_sequence_numbers_may_wrap():
    """48,000 packets: a sender that extends numbers from the last of them would find the wrong ones."""
    assert residual(0.05, 0.15, None, 24_000) <= 10 / 24_000


@pytest.mark.parametrize(
    ("rtt_s", "slack_s", "burst_s", "table"),
    [
        (0.02, 0.05, 0.03, 0.0098),
        (0.05, 0.1, 0.08, 0.0240),
        (0.1, 0.15, None, 0.0025),
        (0.2, 0.2, None, 0.0495),
    ],
)
def test_the_law_is_that_of_the_measured_table(rtt_s, slack_s, burst_s, table):
    assert law(rtt_s, slack_s, burst_s) == pytest.approx(table, rel=0.06)


def test_a_gap_is_requested_at_once_and_again_after_each_round_trip():
    requester = NackRequester(NackRule())
    requester.rtt_s = 0.05
    requester.received(0, 0.0)
    requester.received(3, 0.01)
    assert requester.due(0.01) == [1, 2]
    assert requester.due(0.04) == []
    requester.received(1, 0.05, itself=False)
    assert requester.next_s() == pytest.approx(0.0601)
    assert requester.due(0.0602) == [2]


def test_requests_end_after_the_largest_number():
    requester = NackRequester(NackRule(max_retries=3))
    requester.received(1, 0.0)
    times = [t for t in np.arange(0, 5, 0.11) if requester.due(t)]
    assert len(times) == 3
    assert requester.next_s() == math.inf


def test_reordering_lets_the_next_request_wait():
    requester = NackRequester(NackRule())
    for number in (0, 4, 1, 2, 3):
        requester.received(number, 0.0)
        requester.due(0.0)
    requester.received(6, 0.1)
    assert requester.due(0.1) == []
    requester.received(7, 0.2)
    assert requester.due(0.2) == [5]


def test_too_many_gaps_are_given_up_at_once():
    requester = NackRequester(NackRule(max_entries=10))
    requester.received(50, 0.0)
    assert requester.due(0.0) == []
    assert requester.overflows == 1


def test_a_retransmission_gives_the_packet_byte_for_byte():
    packet = RtpHeader(96, 65535, 2**32 - 1, 7, marker=True).serialize() + b"payload"
    again = wrap(packet, 8, 112, 5)
    header, payload = parse(again)
    assert (header.ssrc, header.payload_type, header.sequence_number) == (8, 112, 5)
    assert unwrap(header, payload, 7, 96) == packet
