"""H.264 over RTP in non-interleaved mode: single NAL units, STAP-A, FU-A (RFC 6184, packetization-mode=1)."""

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

STAP_A = 24
FU_A = 28
IDR, SPS = 5, 7
_F, _NRI, _TYPE = 0x80, 0x60, 0x1F
_START, _END = 0x80, 0x40


def packetize(access_unit: bytes, max_payload_size: int) -> list[bytes]:
    """RTP payloads of one access unit; the last one's RTP packet carries the marker bit.

    Neighbouring NAL units that fit together go into one STAP-A, one that fits alone is its own payload,
    and a larger one is cut into FU-As of even size.

    Args:
        access_unit: Annex B byte stream with NAL unit types 1 to 23.
        max_payload_size: bytes, 16 to 65535; no payload is larger.
    Raises:
        PayloadError: not such a byte stream, or such a size.
    Source: RFC 6184, Sections 5.6, 5.7.1, 5.8 and 6.3.
    """
    check_max_payload_size(max_payload_size)
    nal_units = split_nal_units(access_unit)
    for nal_unit in nal_units:
        _check_type(nal_unit)
    return cut(nal_units, max_payload_size, 1, _stap_a, _fu_a)


def depacketize(payloads: Sequence[bytes | None]) -> AccessUnit:
    """The received part of one access unit. `depacketize(packetize(a, size)).data` is a in canonical form.

    Deviation: the leading part of a NAL unit whose end is missing keeps its forbidden_zero_bit, which RFC
    6184 wants set to 1, because libavcodec drops such units unread. `Unit.complete` is False instead.

    Args:
        payloads: the access unit's RTP payloads in order, None for each missing one (one None may stand
            for neighbouring ones).
    Returns:
        The access unit; `data` is an Annex B byte stream with 4-byte start codes.
    Raises:
        PayloadError: malformed payloads, or of other types than 1 to 24 and 28; nothing else, whatever
            the bytes.
    Source: RFC 6184, Sections 5.6 to 5.8 and 7.1.
    """
    return read_access_unit(payloads, _pieces, _type)


def begins_sequence(payload: bytes) -> bool:
    """Whether a payload is the first of an IDR picture's access unit: it begins with a sequence parameter set.

    Raises:
        PayloadError: a malformed payload.
    """
    pieces = _pieces(payload)
    first = pieces[0] if pieces else Piece(b"", begins=False)
    return first.begins and _type(first.data) == SPS


def is_key(unit: AccessUnit) -> bool:
    """Whether an access unit is an IDR picture's."""
    return any(one.type == IDR for one in unit.units)


def _type(nal_unit: bytes) -> int:
    return nal_unit[0] & _TYPE


def _stap_a(nal_units: list[bytes]) -> bytes:
    forbidden = max(n[0] & _F for n in nal_units)
    ref_idc = max(n[0] & _NRI for n in nal_units)
    return bytes([forbidden | ref_idc | STAP_A]) + prefix_lengths(nal_units)


def _fu_a(nal_unit: bytes, max_payload_size: int) -> list[bytes]:
    indicator = nal_unit[0] & (_F | _NRI) | FU_A
    parts = even_parts(nal_unit[1:], max_payload_size - 2)
    flags = [_START, *[0] * (len(parts) - 2), _END]
    return [bytes([indicator, s | nal_unit[0] & _TYPE]) + p for s, p in zip(flags, parts, strict=True)]


def _pieces(payload: bytes) -> list[Piece]:
    if not payload:
        raise PayloadError("an empty H.264 payload")
    kind = payload[0] & _TYPE
    if kind == STAP_A:
        return [Piece(_check_type(n)) for n in split_prefixed(payload[1:])]
    if kind == FU_A:
        return [_fragment(payload)]
    return [Piece(_check_type(payload))]


def _fragment(payload: bytes) -> Piece:
    if len(payload) < 2:
        raise PayloadError("a truncated FU-A")
    begins, ends = bool(payload[1] & _START), bool(payload[1] & _END)
    if begins and ends:
        raise PayloadError("an FU-A with both its start and its end bit set")
    header = _check_type(bytes([payload[0] & (_F | _NRI) | payload[1] & _TYPE]))
    return Piece(header + payload[2:] if begins else payload[2:], begins, ends)


def _check_type(nal_unit: bytes) -> bytes:
    if not 1 <= _type(nal_unit) <= 23:
        raise PayloadError(f"H.264 NAL unit type {_type(nal_unit)}; packetization-mode 1 carries 1 to 23")
    return nal_unit
