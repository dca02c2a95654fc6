"""Redundant audio data (RED): a frame is repeated in the packets after it (RFC 2198)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from lossweep.endpoints.packetize.access_unit import PayloadError

MAX_OFFSET = (1 << 14) - 1
MAX_LENGTH = (1 << 10) - 1
_FOLLOWS = 0x80


@dataclass(frozen=True)
class Redundant:
    """One block of a RED payload.

    Attributes:
        payload_type: 0 to 127, of the encoding in the block.
        offset: age relative to the packet's timestamp in ticks of the RTP clock, 0 to 16383; 0 for the
            primary encoding.
        data: at most 1023 bytes, except for the primary encoding.
    """

    payload_type: int
    offset: int
    data: bytes


def packetize(blocks: Sequence[Redundant]) -> bytes:
    """The RED payload of blocks, oldest first, the primary encoding last.

    Raises:
        PayloadError: no block, a field out of its range, or a last block with an offset.
    Source: RFC 2198, Section 3.
    """
    if not blocks or blocks[-1].offset:
        raise PayloadError("a RED payload ends with a primary encoding, of offset 0")
    headers = b""
    for block in blocks:
        if not 0 <= block.payload_type < 128:
            raise PayloadError(f"RED payload type {block.payload_type}; it must be in 0 to 127")
    for block in blocks[:-1]:
        if not 0 <= block.offset <= MAX_OFFSET or len(block.data) > MAX_LENGTH:
            raise PayloadError(
                f"a redundant block of {len(block.data)} bytes, {block.offset} ticks old; RED holds at most "
                f"{MAX_LENGTH} bytes and {MAX_OFFSET} ticks"
            )
        fields = block.offset << 10 | len(block.data)
        headers += struct.pack("!I", (_FOLLOWS | block.payload_type) << 24 | fields)
    return headers + bytes([blocks[-1].payload_type]) + b"".join(block.data for block in blocks)


def depacketize(payload: bytes) -> list[Redundant]:
    """The blocks of a RED payload, in its order, the primary encoding last.

    Raises:
        PayloadError: headers or blocks are cut short; nothing else, whatever the bytes.
    Source: RFC 2198, Section 3.
    """
    headers: list[tuple[int, int, int]] = []
    start = 0
    while start < len(payload) and payload[start] & _FOLLOWS:
        if len(payload) < start + 4:
            raise PayloadError("a RED block header is truncated")
        (fields,) = struct.unpack_from("!I", payload, start)
        headers.append((fields >> 24 & 0x7F, fields >> 10 & MAX_OFFSET, fields & MAX_LENGTH))
        start += 4
    if start >= len(payload):
        raise PayloadError("a RED payload without a primary encoding")
    primary, start = payload[start] & 0x7F, start + 1
    blocks = []
    for payload_type, offset, length in headers:
        if len(payload) < start + length:
            raise PayloadError(f"a redundant block of {length} bytes is truncated")
        blocks.append(Redundant(payload_type, offset, bytes(payload[start : start + length])))
        start += length
    return [*blocks, Redundant(primary, 0, bytes(payload[start:]))]
