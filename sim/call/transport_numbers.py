"""Transport-wide sequence numbers: a header extension that the sender adds and the receiver reports on."""

from __future__ import annotations

import struct

from lossweep.sim.rtcp.transport_cc import TICK_S, TransportFeedback
from lossweep.sim.rtp import RTP_HEADER_BYTES, RtpHeader, extend

PROFILE = 0xBEDE
EXTENSION_ID = 5
EXTENSION_BYTES = 8
MOST_PACKETS = 1000
MOST_TICKS = 2**15 - 1
_EXTENSION = struct.Struct("!HHBHx")


def number_packet(data: bytes, number: int) -> bytes:
    """An RTP packet with its transport-wide number in a one-byte header extension (RFC 8285).

    Args:
        data: RTP packet without CSRCs and without an extension.
        number: of the transport; its low 16 bits are sent.
    """
    extension = _EXTENSION.pack(PROFILE, 1, EXTENSION_ID << 4 | 1, number % 2**16)
    return bytes([data[0] | 0x10]) + data[1:RTP_HEADER_BYTES] + extension + data[RTP_HEADER_BYTES:]


def number_of(header: RtpHeader) -> int | None:
    """The transport-wide number of a packet, uint16; None where it has none."""
    if header.extension is None or header.extension[0] != PROFILE:
        return None
    data = header.extension[1]
    if len(data) < 3 or data[0] != EXTENSION_ID << 4 | 1:
        return None
    return int.from_bytes(data[1:3], "big")


def without_number(data: bytes) -> bytes:
    """An RTP packet without the extension that `number_packet` added; other bytes as they are."""
    end = RTP_HEADER_BYTES + EXTENSION_BYTES
    if len(data) < end or data[0] != 0x90 or data[RTP_HEADER_BYTES : RTP_HEADER_BYTES + 2] != b"\xbe\xde":
        return data
    return b"\x80" + data[1:RTP_HEADER_BYTES] + data[end:]


class ArrivalTimes:
    """The receiver's notes for transport-wide feedback.

    Args:
        ssrc: of the receiver.
    """

    def __init__(self, ssrc: int) -> None:
        self._ssrc = ssrc
        self._ticks: dict[int, int] = {}
        self._base, self._highest, self._count = 0, -1, 0

    def arrive(self, number: int, now: float) -> None:
        """Notes the arrival of a packet with this number, uint16."""
        number = extend(number, max(self._highest, 0))
        if number < self._base:
            return  # reported as lost; it came too late
        self._highest = max(self._highest, number)
        self._ticks.setdefault(number, round(now / TICK_S))

    def take(self) -> list[bytes]:
        """Messages on all packets from the first that was not reported up to the highest that arrived."""
        messages: list[bytes] = []
        while self._ticks:
            arrivals: list[int | None] = []
            last: int | None = None
            for number in range(self._base, min(self._highest + 1, self._base + MOST_PACKETS)):
                ticks = self._ticks.get(number)
                if ticks is not None:
                    if last is not None and abs(ticks - last) > MOST_TICKS:
                        break
                    last = ticks
                arrivals.append(ticks)
            if last is None:  # a run of lost packets that is longer than a message
                self._base += len(arrivals)
                continue
            feedback = TransportFeedback(
                self._ssrc, 0, self._base % 2**16, tuple(arrivals), self._count % 256
            )
            self._count += 1
            messages.append(feedback.serialize())
            for number in range(self._base, self._base + len(arrivals)):
                self._ticks.pop(number, None)
            self._base += len(arrivals)
        return messages
