"""Extended reports: how a receiver learns the round trip, and its loss and discards (RFC 3611)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lossweep.sim.rtcp.packet import EXTENDED_REPORT, RtcpPacket, serialize
from lossweep.sim.rtcp.report import middle, signed_s
from lossweep.sim.rtp import RtpError

REFERENCE_TIME, DELAY_SINCE_REFERENCE, STATISTICS_SUMMARY = 4, 5, 6
_SSRC = struct.Struct("!I")
_HEAD = struct.Struct("!BBH")
_DELAY = struct.Struct("!III")
_SUMMARY = struct.Struct("!IHHIIIIIIBBBB")
_LOSS_AND_DUPLICATES = 0xC0


@dataclass(frozen=True)
class Delay:
    """A sub-block of DLRR: which receiver, its last reference time (middle 32 bits), and how long ago (2^-16 s)."""

    ssrc: int
    last_reference: int
    delay: int

    def round_trip_s(self, now_ntp: int) -> float | None:
        """The round trip that the receiver computes when the block comes; None without a reference time."""
        if not self.last_reference:
            return None
        return signed_s(middle(now_ntp) - self.last_reference - self.delay)


@dataclass(frozen=True)
class Summary:
    """Statistics summary of one stream, of its loss and duplicates; other fields are sent as 0.

    Attributes:
        ssrc: uint32.
        begin, end: uint16 sequence numbers; `end` is not in the interval.
        lost, duplicates: uint32; packets of the interval.
    """

    ssrc: int
    begin: int
    end: int
    lost: int
    duplicates: int


@dataclass(frozen=True)
class ExtendedReport:
    """An extended report: who reports (uint32), and its blocks.

    Attributes:
        reference: uint64 NTP time of a receiver's report (RRTR); None where there is no such block.
        delays: sub-blocks of DLRR.
        summaries: statistics summaries.
    Source: RFC 3611, Sections 4.4 to 4.6.
    """

    ssrc: int
    reference: int | None = None
    delays: tuple[Delay, ...] = ()
    summaries: tuple[Summary, ...] = ()

    def serialize(self) -> bytes:
        """The RTCP packet."""
        body = _SSRC.pack(self.ssrc)
        if self.reference is not None:
            body += _HEAD.pack(REFERENCE_TIME, 0, 2) + struct.pack("!Q", self.reference)
        if self.delays:
            body += _HEAD.pack(DELAY_SINCE_REFERENCE, 0, 3 * len(self.delays))
            body += b"".join(_DELAY.pack(d.ssrc, d.last_reference, d.delay) for d in self.delays)
        for one in self.summaries:
            body += _HEAD.pack(STATISTICS_SUMMARY, _LOSS_AND_DUPLICATES, 9)
            body += _SUMMARY.pack(one.ssrc, one.begin, one.end, one.lost, one.duplicates, *[0] * 8)
        return serialize(EXTENDED_REPORT, 0, body)

    @classmethod
    def parse(cls, packet: RtcpPacket) -> ExtendedReport:
        """Reads a report; blocks of other types are ignored.

        Raises:
            RtpError: not an extended report, or cut short. Nothing else, whatever the bytes.
        """
        if packet.packet_type != EXTENDED_REPORT or len(packet.body) < _SSRC.size:
            raise RtpError(f"RTCP type {packet.packet_type}, {len(packet.body)} bytes: no extended report")
        (ssrc,) = _SSRC.unpack_from(packet.body)
        reference: int | None = None
        delays: list[Delay] = []
        summaries: list[Summary] = []
        start = _SSRC.size
        while start < len(packet.body):
            if len(packet.body) - start < _HEAD.size:
                raise RtpError("a block of an extended report is cut short")
            kind, _, words = _HEAD.unpack_from(packet.body, start)
            body = packet.body[start + _HEAD.size : start + _HEAD.size + 4 * words]
            if len(body) < 4 * words:
                raise RtpError("a block of an extended report is cut short")
            if kind == REFERENCE_TIME and words == 2:
                (reference,) = struct.unpack("!Q", body)
            elif kind == DELAY_SINCE_REFERENCE and words % 3 == 0:
                delays += [Delay(*fields) for fields in _DELAY.iter_unpack(body)]
            elif kind == STATISTICS_SUMMARY and words == 9:
                summaries.append(Summary(*_SUMMARY.unpack(body)[:5]))
            start += _HEAD.size + 4 * words
        return cls(ssrc, reference, tuple(delays), tuple(summaries))
