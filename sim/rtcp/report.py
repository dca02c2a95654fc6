"""Receiver reports: loss, jitter and the times from which a sender computes the round trip (RFC 3550, Section 6.4)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lossweep.sim.rtcp.packet import RECEIVER_REPORT, RtcpPacket, serialize
from lossweep.sim.rtp import RtpError

_SSRC = struct.Struct("!I")
_BLOCK = struct.Struct("!IIIIII")
NTP_UNIX_EPOCH_S = 2_208_988_800
"""Seconds from 1900 to 1970."""


@dataclass(frozen=True)
class ReportBlock:
    """What a receiver says of one stream.

    Attributes:
        ssrc: uint32; of the stream.
        fraction_lost: in [0, 1), since the report before; on the wire in 1/256.
        cumulative_lost: packets lost since the beginning; signed, 24 bits.
        highest: uint32; extended highest sequence number received.
        jitter: uint32; interarrival jitter in ticks of the RTP clock.
        last_report: uint32; the middle 32 bits of the NTP time of the last sender report, 0 where there was none.
        delay_since_last_report: uint32; since that report came, in 2^-16 s.
    """

    ssrc: int
    fraction_lost: float
    cumulative_lost: int
    highest: int
    jitter: int
    last_report: int
    delay_since_last_report: int

    def serialize(self) -> bytes:
        """The 24 bytes of the block."""
        fraction = min(255, max(0, int(self.fraction_lost * 256)))
        lost = min(2**23 - 1, max(-(2**23), self.cumulative_lost)) & 0xFFFFFF
        return _BLOCK.pack(
            self.ssrc,
            fraction << 24 | lost,
            self.highest,
            min(self.jitter, 2**32 - 1),
            self.last_report,
            self.delay_since_last_report,
        )

    @classmethod
    def parse(cls, data: bytes) -> ReportBlock:
        """Reads the 24 bytes of a block."""
        ssrc, loss, *rest = _BLOCK.unpack(data)
        lost = loss & 0xFFFFFF
        return cls(ssrc, (loss >> 24) / 256, lost - 2**24 if lost >= 2**23 else lost, *rest)

    def round_trip_s(self, now_ntp: int) -> float | None:
        """The round trip that a sender computes when the report comes; None where no sender report had come.

        Args:
            now_ntp: uint64; the sender's clock in 2^-32 s.
        """
        if not self.last_report:
            return None
        return signed_s(middle(now_ntp) - self.last_report - self.delay_since_last_report)


@dataclass(frozen=True)
class ReceiverReport:
    """A receiver report: who reports (uint32), and up to 31 blocks."""

    ssrc: int
    blocks: tuple[ReportBlock, ...]

    def serialize(self) -> bytes:
        """The RTCP packet: 8 bytes, and 24 for each block."""
        body = _SSRC.pack(self.ssrc) + b"".join(block.serialize() for block in self.blocks)
        return serialize(RECEIVER_REPORT, len(self.blocks), body)

    @classmethod
    def parse(cls, packet: RtcpPacket) -> ReceiverReport:
        """Reads a report; extensions after its blocks are ignored.

        Raises:
            RtpError: not a receiver report, or cut short. Nothing else, whatever the bytes.
        """
        if packet.packet_type != RECEIVER_REPORT:
            raise RtpError(f"RTCP type {packet.packet_type}: no receiver report")
        if len(packet.body) < _SSRC.size + packet.count * _BLOCK.size:
            raise RtpError(f"a receiver report of {len(packet.body)} bytes with {packet.count} blocks")
        starts = range(_SSRC.size, _SSRC.size + packet.count * _BLOCK.size, _BLOCK.size)
        blocks = tuple(ReportBlock.parse(packet.body[start : start + _BLOCK.size]) for start in starts)
        (ssrc,) = _SSRC.unpack_from(packet.body)
        return cls(ssrc, blocks)


def ntp(time_s: float) -> int:
    """Simulated time as NTP time, uint64 in 2^-32 s since 1900; time 0 is the start of 1970."""
    return round((time_s + NTP_UNIX_EPOCH_S) * 2**32)


def middle(ntp_time: int) -> int:
    """The middle 32 bits of an NTP time: 2^-16 s."""
    return ntp_time >> 16 & 0xFFFFFFFF


def signed_s(ticks: int) -> float:
    """A difference of two middle NTP times, in seconds within 2^15 of 0."""
    return ((ticks + 2**31) % 2**32 - 2**31) / 2**16
