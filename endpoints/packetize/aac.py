"""AAC over RTP in mode AAC-hbr: an AU header section, then the access units (RFC 3640)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from lossweep.endpoints.packetize.access_unit import PayloadError

SIZE_LENGTH, INDEX_LENGTH = 13, 3
"""Bits of AU-size and of AU-Index or AU-Index-delta: sizelength=13; indexlength=3; indexdeltalength=3."""
MAX_AU_BYTES = (1 << SIZE_LENGTH) - 1
_HEADER_BITS = SIZE_LENGTH + INDEX_LENGTH
_MAX_UNITS = 0xFFFF // _HEADER_BITS


def packetize(access_units: Sequence[bytes]) -> bytes:
    """The RTP payload of complete consecutive access units; its RTP packet carries the marker bit.

    Args:
        access_units: raw AAC frames (no ADTS header) of 1 to 8191 bytes.
    Raises:
        PayloadError: none, too many, or one that is empty or too long. Fragments are not made.
    Source: RFC 3640, Sections 3.2.1 and 3.3.6.
    """
    if not 1 <= len(access_units) <= _MAX_UNITS:
        raise PayloadError(f"{len(access_units)} AAC access units; a payload holds 1 to {_MAX_UNITS}")
    for unit in access_units:
        if not 1 <= len(unit) <= MAX_AU_BYTES:
            raise PayloadError(f"an AAC access unit of {len(unit)} bytes; AAC-hbr has 1 to {MAX_AU_BYTES}")
    bits = _HEADER_BITS * len(access_units)
    headers = b"".join(struct.pack("!H", len(unit) << INDEX_LENGTH) for unit in access_units)
    return struct.pack("!H", bits) + headers + b"".join(access_units)


def depacketize(payload: bytes) -> list[bytes]:
    """The access units of an RTP payload.

    Raises:
        PayloadError: lengths that do not fit, interleaved access units, a fragment of one, or bytes left
            over; nothing else, whatever the bytes.
    Source: RFC 3640, Sections 3.2.1 and 3.3.6.
    """
    if len(payload) < 2:
        raise PayloadError("the AU header section is truncated")
    (bits,) = struct.unpack_from("!H", payload)
    if not bits or bits % _HEADER_BITS or len(payload) < 2 + bits // 8:
        raise PayloadError(f"an AU header section of {bits} bits in a payload of {len(payload)} bytes")
    start, units = 2 + bits // 8, []
    for (header,) in struct.iter_unpack("!H", payload[2:start]):
        size, index = header >> INDEX_LENGTH, header & (1 << INDEX_LENGTH) - 1
        if index:
            raise PayloadError(f"AU-Index {index}; interleaved access units are not read")
        if not size or start + size > len(payload):
            raise PayloadError(f"an AAC access unit of {size} bytes where {len(payload) - start} are left")
        units.append(bytes(payload[start : start + size]))
        start += size
    if start != len(payload):
        raise PayloadError(f"{len(payload) - start} bytes behind the last AAC access unit")
    return units
