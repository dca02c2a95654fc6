"""AV1's Open Bitstream Units (OBUs) and LEB128 numbers."""

from __future__ import annotations

from collections.abc import Iterable

from lossweep.endpoints.packetize.access_unit import PayloadError

SEQUENCE_HEADER = 1
TEMPORAL_DELIMITER = 2
TILE_LIST = 8
_FORBIDDEN, _HAS_EXTENSION, _HAS_SIZE = 0x80, 0x04, 0x02
_LEB128_MAX_BYTES = 8
_LEB128_MAX = 0xFFFFFFFF


def write_leb128(value: int) -> bytes:
    """`value`, 0 to 2**32 - 1, in the fewest bytes of LEB128.

    Source: AV1 bitstream specification, Section 4.10.5.
    """
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_leb128(data: bytes, at: int) -> tuple[int, int]:
    """The LEB128 number at offset `at`, and the offset after it.

    Raises:
        PayloadError: truncated, longer than 8 bytes, or above 2**32 - 1.
    Source: AV1 bitstream specification, Section 4.10.5.
    """
    value = 0
    for i, byte in enumerate(data[at : at + _LEB128_MAX_BYTES]):
        value |= (byte & 0x7F) << (7 * i)
        if not byte & 0x80:
            if value > _LEB128_MAX:
                raise PayloadError(f"the LEB128 number {value} is above 2**32 - 1")
            return value, at + i + 1
    raise PayloadError("a LEB128 number is truncated or longer than 8 bytes")


def obu_type(obu: bytes) -> int:
    """`obu_type` of an OBU, 0 to 15."""
    return obu[0] >> 3 & 0x0F


def layer(obu: bytes) -> int | None:
    """temporal_id and spatial_id of an OBU as one number, None where it has no extension header."""
    return obu[1] >> 3 if obu[0] & _HAS_EXTENSION else None


def header_bytes(obu: bytes) -> int:
    """Bytes of the OBU header with its extension, 1 or 2; a truncated OBU may be shorter."""
    return 2 if obu[0] & _HAS_EXTENSION else 1


def without_size(data: bytes) -> bytes:
    """One OBU, which fills `data`, with its size field taken out where it has one.

    Raises:
        PayloadError: forbidden bit set, truncated header, or a size other than what is there.
    """
    obu, end = _read_obu(data, 0)
    if end != len(data):
        raise PayloadError(f"an OBU of {end} bytes in an element of {len(data)}")
    return obu


def leading_part(data: bytes) -> bytes:
    """The received part of an OBU whose end is missing, without size field; empty where its header is cut."""
    header = header_bytes(data)
    if len(data) < header:
        return b""
    if not data[0] & _HAS_SIZE:
        return data
    try:
        _, start = read_leb128(data, header)
    except PayloadError:
        return b""
    return bytes([data[0] & ~_HAS_SIZE]) + data[1:header] + data[start:]


def split_obus(data: bytes) -> list[bytes]:
    """The OBUs of a low-overhead bitstream, each without its size field.

    Raises:
        PayloadError: an OBU without size field, or truncated, or with its forbidden bit set.
    Source: AV1 bitstream specification, Sections 5.2, 5.3 and 6.2.
    """
    obus = []
    at = 0
    while at < len(data):
        if not data[at] & _HAS_SIZE:
            raise PayloadError("an OBU without size field in a low-overhead bitstream")
        obu, at = _read_obu(data, at)
        obus.append(obu)
    return obus


def join_obus(obus: Iterable[bytes]) -> bytes:
    """A low-overhead bitstream in canonical form: every OBU with a size field of minimal length.

    Args:
        obus: without size fields.
    Source: AV1 bitstream specification, Section 5.2.
    """
    out = []
    for obu in obus:
        header = header_bytes(obu)
        out += [bytes([obu[0] | _HAS_SIZE]), obu[1:header], write_leb128(len(obu) - header), obu[header:]]
    return b"".join(out)


def _read_obu(data: bytes, at: int) -> tuple[bytes, int]:
    if at >= len(data) or data[at] & _FORBIDDEN:
        raise PayloadError("an OBU is empty or has its forbidden bit set")
    header = at + (2 if data[at] & _HAS_EXTENSION else 1)
    if header > len(data):
        raise PayloadError("an OBU header is truncated")
    start, end = header, len(data)
    if data[at] & _HAS_SIZE:
        size, start = read_leb128(data, header)
        end = start + size
        if end > len(data):
            raise PayloadError("an OBU is truncated")
    return bytes([data[at] & ~_HAS_SIZE]) + data[at + 1 : header] + data[start:end], end
