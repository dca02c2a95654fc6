"""RTCP sender reports: which moment an RTP timestamp stands for, so that streams can be played together."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lossweep.sim.rtp import RtpError, media_time_s

PACKET_TYPE = 200
_LAYOUT = struct.Struct("!BBHIQIII")


@dataclass(frozen=True)
class SenderReport:
    """A sender report without report blocks.

    Attributes:
        ssrc: uint32; of the stream that it is about.
        ntp: uint64; wall clock in 2^-32 s since 1900.
        timestamp: uint32; the RTP timestamp of the same moment.
        packets, octets: uint32; RTP packets and payload bytes sent so far.
    Raises:
        RtpError: a field out of its range, naming it.
    Source: RFC 3550, Section 6.4.1.
    """

    ssrc: int
    ntp: int
    timestamp: int
    packets: int
    octets: int

    def __post_init__(self) -> None:
        for name, bits in (("ssrc", 32), ("ntp", 64), ("timestamp", 32), ("packets", 32), ("octets", 32)):
            if not 0 <= getattr(self, name) < 1 << bits:
                raise RtpError(f"{name} is {getattr(self, name)}; it must be in 0 to {(1 << bits) - 1}")

    def serialize(self) -> bytes:
        """The 28 bytes of the RTCP packet."""
        words = _LAYOUT.size // 4 - 1
        fields = (self.ssrc, self.ntp, self.timestamp, self.packets, self.octets)
        return _LAYOUT.pack(2 << 6, PACKET_TYPE, words, *fields)

    @classmethod
    def parse(cls, data: bytes) -> SenderReport:
        """Reads a sender report; report blocks and extensions after it are ignored.

        Raises:
            RtpError: not a sender report, or cut short; nothing else, whatever the bytes.
        """
        if len(data) < _LAYOUT.size:
            raise RtpError(f"{len(data)} bytes; a sender report has {_LAYOUT.size} or more")
        first, packet_type, words, *fields = _LAYOUT.unpack_from(data)
        if first >> 6 != 2 or packet_type != PACKET_TYPE or not _LAYOUT.size <= 4 * (words + 1) <= len(data):
            raise RtpError(f"RTCP type {packet_type}, version {first >> 6}, length {words}: no sender report")
        return cls(*fields)

    def moment_s(self, timestamp: int, clock_rate: int) -> float:
        """When something with this RTP timestamp was captured, in seconds after the report's own moment.

        Args:
            timestamp: uint32; less than 2^31 ticks before or after the report's.
            clock_rate: ticks per second.
        """
        return media_time_s(timestamp, self.timestamp, clock_rate)

    @property
    def wall_clock_s(self) -> float:
        """The report's moment in seconds since 1900."""
        return self.ntp / 2**32
