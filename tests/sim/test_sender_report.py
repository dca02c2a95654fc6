"""Sender reports: bytes by hand, aiortc's reading of them, any bytes, and wrap-around."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossweep.sim.rtp import RtpError
from lossweep.sim.sender_report import SenderReport

uint32 = st.integers(0, 2**32 - 1)
reports = st.builds(SenderReport, uint32, st.integers(0, 2**64 - 1), uint32, uint32, uint32)


def test_bytes():
    report = SenderReport(0x01020304, (7 << 32) + (1 << 31), 0x0A0B0C0D, 5, 600)
    written = bytes.fromhex("80c80006 01020304 00000007 80000000 0a0b0c0d 00000005 00000258")
    assert report.serialize() == written
    assert report.wall_clock_s == 7.5


@given(reports)
@settings(deadline=None)
def test_aiortc_reads_the_same(report):
    rtp = pytest.importorskip("aiortc.rtp", reason="aiortc is not installed (test extra)")
    (theirs,) = rtp.RtcpPacket.parse(report.serialize())
    sender = theirs.sender_info
    fields = (
        theirs.ssrc,
        sender.ntp_timestamp,
        sender.rtp_timestamp,
        sender.packet_count,
        sender.octet_count,
    )
    assert SenderReport(*fields) == report == SenderReport.parse(report.serialize())


@given(st.binary(max_size=40) | st.binary(max_size=40).map(lambda b: b"\x80\xc8\x00\x06" + b))
def test_any_bytes(data):
    try:
        report = SenderReport.parse(data)
    except RtpError:
        return
    assert report.serialize()[4:] == data[4:28]


@given(uint32, st.integers(-(2**31), 2**31 - 1))
def test_moments_wrap(timestamp, ticks):
    report = SenderReport(1, 0, timestamp, 0, 0)
    assert report.moment_s((timestamp + ticks) % 2**32, 90_000) == ticks / 90_000


def test_a_field_out_of_its_range_is_named():
    with pytest.raises(RtpError, match="ntp is -1"):
        SenderReport(1, -1, 0, 0, 0)
