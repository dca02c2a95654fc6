"""RTCP messages: round trips, and parsers that raise only their own error."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossweep.sim.rtcp.nack import Nack
from lossweep.sim.rtcp.packet import split
from lossweep.sim.rtcp.pli import PictureLoss
from lossweep.sim.rtcp.report import ReceiverReport, ReportBlock, ntp
from lossweep.sim.rtcp.transport_cc import TransportFeedback
from lossweep.sim.rtcp.xr import Delay, ExtendedReport, Summary
from lossweep.sim.rtp import RtpError

word = st.integers(0, 2**32 - 1)
short = st.integers(0, 2**16 - 1)
KINDS = (Nack, PictureLoss, ReceiverReport, ExtendedReport, TransportFeedback)


def parsed(message):
    (part,) = split(message.serialize())
    return type(message).parse(part)


@given(word, word, st.lists(short, min_size=1, max_size=40, unique=True))
def test_nack(sender, media, numbers):
    found = parsed(Nack(sender, media, tuple(numbers)))
    assert set(found.numbers) == set(numbers)
    assert (found.sender_ssrc, found.media_ssrc) == (sender, media)


def test_a_run_of_17_numbers_takes_one_entry_across_the_wrap():
    numbers = tuple((65530 + i) % 2**16 for i in range(17))
    assert len(Nack(1, 2, numbers).serialize()) == 16
    assert parsed(Nack(1, 2, numbers)).numbers == numbers


@given(word, word)
def test_pli(sender, media):
    assert parsed(PictureLoss(sender, media)) == PictureLoss(sender, media)


@given(
    st.lists(st.tuples(word, st.integers(0, 255), st.integers(-(2**23), 2**23 - 1), word, word), max_size=31)
)
def test_receiver_report(rows):
    blocks = tuple(ReportBlock(a, b / 256, c, d, e, 1, 2) for a, b, c, d, e in rows)
    assert parsed(ReceiverReport(9, blocks)) == ReceiverReport(9, blocks)


def test_the_round_trip_is_what_is_left_of_the_time_since_the_report():
    sent_s, held_s, back_s = 100.0, 0.7, 100.9
    block = ReportBlock(1, 0, 0, 0, 0, ntp(sent_s) >> 16 & 0xFFFFFFFF, round(held_s * 2**16))
    assert block.round_trip_s(ntp(back_s)) == pytest.approx(0.2, abs=1e-4)


@given(st.none() | st.integers(0, 2**64 - 1), st.lists(st.tuples(word, word, word), max_size=5))
def test_extended_report(reference, rows):
    report = ExtendedReport(7, reference, tuple(Delay(*row) for row in rows), (Summary(1, 2, 3, 4, 5),))
    assert parsed(report) == report


@given(
    short,
    st.lists(st.none() | st.integers(-30_000, 30_000), min_size=1, max_size=200),
    st.integers(0, 10**6),
)
def test_transport_feedback(base, steps, start):
    ticks, arrivals = start + 10**6, []
    for step in steps:
        ticks += step or 0
        arrivals.append(None if step is None else max(ticks, 0))
    first = next((i for i, one in enumerate(arrivals) if one is not None), None)
    if first is None:
        with pytest.raises(RtpError):
            TransportFeedback(1, 2, base, tuple(arrivals), 3).serialize()
        return
    feedback = TransportFeedback(1, 2, base, tuple(arrivals), 3)
    there = [one for one in arrivals if one is not None]
    if max(map(abs, np.diff(there)), default=0) < 2**15:
        assert parsed(feedback) == feedback


@given(st.binary(max_size=80), st.sampled_from(KINDS))
def test_parsers_raise_only_their_own_error(data, kind):
    for head in (b"", b"\x81\xcd\x00\x04", b"\x8f\xcd\x00\x05", b"\x82\xc9\x00\x0d", b"\x80\xcf\x00\x04"):
        try:
            for part in split(head + data):
                kind.parse(part)
        except RtpError:
            pass
