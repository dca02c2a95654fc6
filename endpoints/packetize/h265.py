"""H.265 over RTP in decoding order: single NAL units, APs, FUs, no DONL (RFC 7798, sprop-max-don-diff=0)."""

from __future__ import annotations

from collections.abc import Sequence

from lossweep.endpoints.packetize.access_unit import AccessUnit, PayloadError, Piece
from lossweep.endpoints.packetize.annexb import read_access_unit, split_nal_units
from lossweep.endpoints.packetize.fragment import (
    check_max_payload_size,
    cut,
    even_parts,
    prefix_lengths,
    split_prefixed,
)

AP = 48
FU = 49
IRAP_FIRST, IRAP_LAST, VPS = 16, 23, 32
_HEADER_BYTES = 2
_START, _END = 0x80, 0x40


def packetize(access_unit: bytes, max_payload_size: int) -> list[bytes]:
    """RTP payloads of one access unit; the last one's RTP packet carries the marker bit.

    Neighbouring NAL units that fit together go into one AP, one that fits alone is its own payload, and a
    larger one is cut into FUs of even size.

    Args:
        access_unit: Annex B byte stream with NAL unit types 0 to 47.
        max_payload_size: bytes, 16 to 65535; no payload is larger.
    Raises:
        PayloadError: not such a byte stream, or such a size.
    Source: RFC 7798, Sections 4.4.1 to 4.4.3 and 4.5.
    """
    check_max_payload_size(max_payload_size)
    nal_units = split_nal_units(access_unit)
    for nal_unit in nal_units:
        _check_type(nal_unit)
    return cut(nal_units, max_payload_size, _HEADER_BYTES, _ap, _fu)


def depacketize(payloads: Sequence[bytes | None]) -> AccessUnit:
    """The received part of one access unit. `depacketize(packetize(a, size)).data` is a in canonical form.

    Deviation: the leading part of a NAL unit whose end is missing keeps its forbidden_zero_bit, which RFC
    7798 wants set to 1, because decoders drop such units unread. `Unit.complete` is False instead.

    Args:
        payloads: the access unit's RTP payloads in order, None for each missing one (one None may stand
            for neighbouring ones).
    Returns:
        The access unit; `data` is an Annex B byte stream with 4-byte start codes.
    Raises:
        PayloadError: malformed payloads, or of other types than 0 to 49; nothing else, whatever the bytes.
    Source: RFC 7798, Sections 4.4.1 to 4.4.3 and 6.
    """
    return read_access_unit(payloads, _pieces, _type)


def begins_sequence(payload: bytes) -> bool:
    """Whether a payload is the first of an IRAP picture's access unit: it begins with a video parameter set.

    Raises:
        PayloadError: a malformed payload.
    """
    pieces = _pieces(payload)
    first = pieces[0] if pieces else Piece(b"", begins=False)
    return first.begins and _type(first.data) == VPS


def is_key(unit: AccessUnit) -> bool:
    """Whether an access unit is an IRAP picture's (nal_unit_type 16 to 23)."""
    return any(IRAP_FIRST <= one.type <= IRAP_LAST for one in unit.units)


def _header(forbidden: int, kind: int, layer_id: int, tid: int) -> bytes:
    return (forbidden << 15 | kind << 9 | layer_id << 3 | tid).to_bytes(_HEADER_BYTES, "big")


def _fields(data: bytes) -> tuple[int, int, int, int]:
    word = int.from_bytes(data[:_HEADER_BYTES], "big")
    return word >> 15, word >> 9 & 0x3F, word >> 3 & 0x3F, word & 0x07


def _type(nal_unit: bytes) -> int:
    return _fields(nal_unit)[1]


def _ap(nal_units: list[bytes]) -> bytes:
    forbidden, _, layer_ids, tids = zip(*map(_fields, nal_units), strict=True)
    return _header(max(forbidden), AP, min(layer_ids), min(tids)) + prefix_lengths(nal_units)


def _fu(nal_unit: bytes, max_payload_size: int) -> list[bytes]:
    forbidden, kind, layer_id, tid = _fields(nal_unit)
    header = _header(forbidden, FU, layer_id, tid)
    parts = even_parts(nal_unit[_HEADER_BYTES:], max_payload_size - _HEADER_BYTES - 1)
    flags = [_START, *[0] * (len(parts) - 2), _END]
    return [header + bytes([s | kind]) + p for s, p in zip(flags, parts, strict=True)]


def _pieces(payload: bytes) -> list[Piece]:
    if len(payload) < _HEADER_BYTES:
        raise PayloadError("an H.265 payload shorter than its header")
    kind = _type(payload)
    if kind == AP:
        return [Piece(_check_type(n)) for n in split_prefixed(payload[_HEADER_BYTES:])]
    if kind == FU:
        return [_fragment(payload)]
    return [Piece(_check_type(payload))]


def _fragment(payload: bytes) -> Piece:
    if len(payload) <= _HEADER_BYTES + 1:
        raise PayloadError("an FU without payload")
    flags, body = payload[_HEADER_BYTES], payload[_HEADER_BYTES + 1 :]
    begins, ends = bool(flags & _START), bool(flags & _END)
    if begins and ends:
        raise PayloadError("an FU with both its start and its end bit set")
    forbidden, _, layer_id, tid = _fields(payload)
    header = _check_type(_header(forbidden, flags & 0x3F, layer_id, tid))
    return Piece(header + body if begins else body, begins, ends)


def _check_type(nal_unit: bytes) -> bytes:
    if len(nal_unit) < _HEADER_BYTES:
        raise PayloadError("an H.265 NAL unit shorter than its header")
    if _type(nal_unit) > 47:
        raise PayloadError(f"H.265 NAL unit type {_type(nal_unit)}; RFC 7798 carries 0 to 47")
    return nal_unit
