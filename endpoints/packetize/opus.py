"""Opus over RTP: one Opus packet is the payload, whole and unchanged (RFC 7587; RFC 6716, Section 3)."""

from __future__ import annotations

from dataclasses import dataclass

from lossweep.endpoints.packetize.access_unit import PayloadError

CLOCK_RATE = 48_000
"""Whatever the sampling rate of the speech (RFC 7587, Section 4.1)."""
MAX_FRAME_BYTES = 1275
MAX_DURATION_MS = 120


@dataclass(frozen=True)
class OpusPacket:
    """The fields of an Opus packet.

    Attributes:
        config: 0 to 31: mode, bandwidth and frame size (RFC 6716, table 2).
        stereo: the packet codes two channels.
        frame_ms: duration of a frame, 2.5 to 60 ms.
        frames: the compressed frames; one of 0 bytes is not transmitted (DTX).
    """

    config: int
    stereo: bool
    frame_ms: float
    frames: tuple[bytes, ...]

    @property
    def ticks(self) -> int:
        """Duration of the packet in ticks of the RTP clock."""
        return round(len(self.frames) * self.frame_ms * CLOCK_RATE / 1000)


def packetize(packet: bytes) -> bytes:
    """The RTP payload of one Opus packet: itself.

    Raises:
        PayloadError: not an Opus packet.
    """
    parse(packet)
    return bytes(packet)


def depacketize(payload: bytes) -> bytes:
    """The Opus packet of an RTP payload.

    Raises:
        PayloadError: not an Opus packet; nothing else, whatever the bytes.
    """
    parse(payload)
    return bytes(payload)


def parse(packet: bytes) -> OpusPacket:
    """Parses an Opus packet.

    Raises:
        PayloadError: it breaks one of the rules R1 to R7; nothing else, whatever the bytes.
    Source: RFC 6716, Sections 3.1, 3.2 and 3.4.
    """
    if not packet:
        raise PayloadError("an empty Opus payload")
    config, stereo, code = packet[0] >> 3, bool(packet[0] & 4), packet[0] & 3
    frame_ms = _frame_ms(config)
    frames = (_one, _two_equal, _two, _several)[code](bytes(packet[1:]))
    if max(map(len, frames)) > MAX_FRAME_BYTES:
        raise PayloadError(f"an Opus frame of {max(map(len, frames))} bytes; at most {MAX_FRAME_BYTES}")
    if len(frames) * frame_ms > MAX_DURATION_MS:
        raise PayloadError(f"an Opus packet of {len(frames) * frame_ms:g} ms; at most {MAX_DURATION_MS}")
    return OpusPacket(config, stereo, frame_ms, tuple(frames))


def _frame_ms(config: int) -> float:
    if config < 12:
        return (10, 20, 40, 60)[config & 3]
    if config < 16:
        return (10, 20)[config & 1]
    return (2.5, 5, 10, 20)[config & 3]


def _one(data: bytes) -> list[bytes]:
    return [data]


def _two_equal(data: bytes) -> list[bytes]:
    return _equal(data, 2)


def _two(data: bytes) -> list[bytes]:
    return _of_lengths(*_lengths(data, 1))


def _several(data: bytes) -> list[bytes]:
    if not data:
        raise PayloadError("an Opus packet of code 3 without a frame count")
    own_lengths, padded, count = data[0] & 0x80, data[0] & 0x40, data[0] & 0x3F
    if not count:
        raise PayloadError("an Opus packet of no frames")
    data = data[1:]
    if padded:
        data = _without_padding(data)
    return _of_lengths(*_lengths(data, count - 1)) if own_lengths else _equal(data, count)


def _equal(data: bytes, count: int) -> list[bytes]:
    size, rest = divmod(len(data), count)
    if rest:
        raise PayloadError(f"{len(data)} bytes for {count} Opus frames of equal size")
    return [data[i * size : (i + 1) * size] for i in range(count)]


def _lengths(data: bytes, count: int) -> tuple[list[int], bytes]:
    lengths = []
    for _ in range(count):
        size = 1 if data and data[0] < 252 else 2
        if len(data) < size:
            raise PayloadError("the length of an Opus frame is truncated")
        lengths.append(data[0] if size == 1 else data[0] + 4 * data[1])
        data = data[size:]
    return lengths, data


def _of_lengths(lengths: list[int], data: bytes) -> list[bytes]:
    if sum(lengths) > len(data):
        raise PayloadError(f"Opus frames of {sum(lengths)} bytes in {len(data)}")
    frames = []
    for length in lengths:
        frames.append(data[:length])
        data = data[length:]
    return [*frames, data]


def _without_padding(data: bytes) -> bytes:
    padding = 0
    while data and data[0] == 255:
        padding += 254
        data = data[1:]
    if not data or padding + data[0] > len(data) - 1:
        raise PayloadError("the padding of an Opus packet is longer than the packet")
    padding += data[0]
    return data[1 : len(data) - padding]
