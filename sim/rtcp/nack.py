"""Generic NACK: the sequence numbers that a receiver misses (RFC 4585, Section 6.2.1)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from lossweep.sim.rtcp.packet import TRANSPORT_FEEDBACK, RtcpPacket, serialize
from lossweep.sim.rtp import RtpError

FORMAT = 1
_SOURCES = struct.Struct("!II")
_ENTRY = struct.Struct("!HH")


@dataclass(frozen=True)
class Nack:
    """A NACK message.

    Attributes:
        sender_ssrc: uint32; of who sends the message.
        media_ssrc: uint32; of the stream with the gap.
        numbers: uint16 sequence numbers that are missing, in order of first appearance.
    """

    sender_ssrc: int
    media_ssrc: int
    numbers: tuple[int, ...]

    def serialize(self) -> bytes:
        """The RTCP packet: 12 bytes, and 4 for each run of up to 17 numbers (PID and BLP)."""
        body = _SOURCES.pack(self.sender_ssrc, self.media_ssrc)
        body += b"".join(_ENTRY.pack(pid, blp) for pid, blp in _entries(self.numbers))
        return serialize(TRANSPORT_FEEDBACK, FORMAT, body)

    @classmethod
    def parse(cls, packet: RtcpPacket) -> Nack:
        """Reads the message.

        Raises:
            RtpError: not a generic NACK, or cut short. Nothing else, whatever the bytes.
        """
        if (packet.packet_type, packet.count) != (TRANSPORT_FEEDBACK, FORMAT):
            raise RtpError(f"RTCP type {packet.packet_type}, format {packet.count}: no generic NACK")
        if len(packet.body) < _SOURCES.size + _ENTRY.size or (len(packet.body) - _SOURCES.size) % _ENTRY.size:
            raise RtpError(f"a generic NACK of {len(packet.body)} bytes")
        numbers: list[int] = []
        for pid, blp in _ENTRY.iter_unpack(packet.body[_SOURCES.size :]):
            numbers.append(pid)
            numbers += [(pid + 1 + bit) % 2**16 for bit in range(16) if blp >> bit & 1]
        sender, media = _SOURCES.unpack_from(packet.body)
        return cls(sender, media, tuple(numbers))


def _entries(numbers: Iterable[int]) -> list[tuple[int, int]]:
    entries: list[tuple[int, int]] = []
    for number in numbers:
        if entries:
            pid, blp = entries[-1]
            after = (number - pid) % 2**16
            if 1 <= after <= 16:
                entries[-1] = pid, blp | 1 << (after - 1)
                continue
        entries.append((number, 0))
    return entries
