"""RTCP packets: the common header, and compound packets cut into their parts (RFC 3550, Section 6.1)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lossweep.sim.rtp import RtpError

SENDER_REPORT, RECEIVER_REPORT, TRANSPORT_FEEDBACK, PAYLOAD_FEEDBACK, EXTENDED_REPORT = (
    200,
    201,
    205,
    206,
    207,
)
_HEADER = struct.Struct("!BBH")


@dataclass(frozen=True)
class RtcpPacket:
    """One part of a compound packet.

    Attributes:
        packet_type: uint8.
        count: 5 bits; the number of report blocks, or the format of a feedback message.
        body: what follows the common header of 4 bytes, a whole number of words.
    """

    packet_type: int
    count: int
    body: bytes


def serialize(packet_type: int, count: int, body: bytes) -> bytes:
    """A packet with its common header.

    Raises:
        RtpError: a count beyond 5 bits, or a body that is no whole number of words.
    """
    if not 0 <= count <= 31 or not 0 <= packet_type <= 255:
        raise RtpError(f"RTCP type {packet_type} with count {count}; count must be in 0 to 31")
    if len(body) % 4 or len(body) > 4 * 0xFFFF:
        raise RtpError(f"an RTCP body of {len(body)} bytes; it must be 0 to 65535 words of 4 bytes")
    return _HEADER.pack(2 << 6 | count, packet_type, len(body) // 4) + body


def split(data: bytes) -> list[RtcpPacket]:
    """The parts of a compound packet, in order.

    Raises:
        RtpError: not version 2, cut short, or a wrong padding. Nothing else, whatever the bytes.
    """
    parts, start = [], 0
    while start < len(data):
        if len(data) - start < _HEADER.size:
            raise RtpError(f"{len(data) - start} bytes; an RTCP header has {_HEADER.size}")
        first, packet_type, words = _HEADER.unpack_from(data, start)
        end = start + 4 * (words + 1)
        if first >> 6 != 2 or end > len(data):
            raise RtpError(f"RTCP version {first >> 6}, {words} words in {len(data) - start} bytes")
        stop = end
        if first & 0x20:
            padding = data[end - 1]
            if not 1 <= padding <= end - start - _HEADER.size:
                raise RtpError(f"RTCP padding of {padding} bytes")
            stop -= padding
        parts.append(RtcpPacket(packet_type, first & 0x1F, bytes(data[start + _HEADER.size : stop])))
        start = end
    return parts
