"""Transport-wide feedback: when each packet of a path arrived (draft-holmer-rmcat-transport-wide-cc-extensions-01)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lossweep.sim.rtcp.packet import TRANSPORT_FEEDBACK, RtcpPacket, serialize
from lossweep.sim.rtp import RtpError

FORMAT = 15
TICK_S = 0.00025
REFERENCE_S = 0.064
MAX_STATUSES = 1 << 12
_HEAD = struct.Struct("!IIHHI")
_LOST, _SMALL, _LARGE = 0, 1, 2


@dataclass(frozen=True)
class TransportFeedback:
    """Arrivals of packets with consecutive transport-wide numbers.

    Attributes:
        sender_ssrc, media_ssrc: uint32.
        base: uint16; number of the first packet.
        arrivals: for each packet, ticks of 250 us on the receiver's clock, or None where it has not arrived. Steps from
            one arrival to the next fit 16 bits; the first is less than 2^24 * 64 ms.
        count: uint8; counts the messages.
    """

    sender_ssrc: int
    media_ssrc: int
    base: int
    arrivals: tuple[int | None, ...]
    count: int

    def serialize(self) -> bytes:
        """The RTCP packet, with status chunks of two bits for seven packets each.

        Raises:
            RtpError: no arrival, more than 4096 packets, or a step that does not fit.
        """
        there = [ticks for ticks in self.arrivals if ticks is not None]
        if not there or len(self.arrivals) > MAX_STATUSES:
            raise RtpError(f"feedback on {len(self.arrivals)} packets, {len(there)} of them there")
        per_reference = round(REFERENCE_S / TICK_S)
        reference = there[0] // per_reference
        last, statuses, deltas = reference * per_reference, [], b""
        for ticks in self.arrivals:
            if ticks is None:
                statuses.append(_LOST)
                continue
            step, last = ticks - last, ticks
            if 0 <= step <= 255:
                statuses.append(_SMALL)
                deltas += struct.pack("!B", step)
            elif -(2**15) <= step < 2**15:
                statuses.append(_LARGE)
                deltas += struct.pack("!h", step)
            else:
                raise RtpError(f"a step of {step} ticks; it must fit 16 bits")
        statuses += [_LOST] * (-len(statuses) % 7)
        chunks = b""
        for start in range(0, len(statuses), 7):
            bits = 3 << 14
            for place, status in enumerate(statuses[start : start + 7]):
                bits |= status << 12 - 2 * place
            chunks += struct.pack("!H", bits)
        head = _HEAD.pack(
            self.sender_ssrc,
            self.media_ssrc,
            self.base,
            len(self.arrivals),
            (reference & 0xFFFFFF) << 8 | self.count,
        )
        body = head + chunks + deltas
        return serialize(TRANSPORT_FEEDBACK, FORMAT, body + bytes(-len(body) % 4))

    @classmethod
    def parse(cls, packet: RtcpPacket) -> TransportFeedback:
        """Reads a message, with chunks of any kind.

        Raises:
            RtpError: no such message, or cut short. Nothing else, whatever the bytes.
        """
        if (packet.packet_type, packet.count) != (TRANSPORT_FEEDBACK, FORMAT) or len(
            packet.body
        ) < _HEAD.size:
            raise RtpError(f"RTCP type {packet.packet_type}, format {packet.count}: no transport feedback")
        sender, media, base, count, last = _HEAD.unpack_from(packet.body)
        statuses, start = _statuses(packet.body, count)
        ticks = (last >> 8) * round(REFERENCE_S / TICK_S)
        arrivals: list[int | None] = []
        for status in statuses:
            if status not in (_SMALL, _LARGE):
                arrivals.append(None)
                continue
            size = 1 if status == _SMALL else 2
            if start + size > len(packet.body):
                raise RtpError("transport feedback ends before its arrival times")
            ticks += int.from_bytes(packet.body[start : start + size], "big", signed=status == _LARGE)
            start += size
            arrivals.append(ticks)
        return cls(sender, media, base, tuple(arrivals), last & 0xFF)


def _statuses(body: bytes, count: int) -> tuple[list[int], int]:
    """The status of each packet, and where the chunks end."""
    statuses: list[int] = []
    start = _HEAD.size
    while len(statuses) < count:
        if start + 2 > len(body):
            raise RtpError("transport feedback ends before its status chunks")
        (chunk,) = struct.unpack_from("!H", body, start)
        start += 2
        if not chunk >> 15:
            statuses += [chunk >> 13 & 3] * (chunk & 0x1FFF)
            if not chunk & 0x1FFF:
                raise RtpError("a run of no packets in transport feedback")
        elif chunk >> 14 & 1:
            statuses += [chunk >> 12 - 2 * place & 3 for place in range(7)]
        else:
            statuses += [chunk >> 13 - place & 1 for place in range(14)]
    return statuses[:count], start
