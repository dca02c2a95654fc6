"""The byte stream format of H.264 and H.265: NAL units after start codes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from lossweep.endpoints.packetize.access_unit import (
    AccessUnit,
    PayloadError,
    Piece,
    Unit,
    assemble,
    status_of,
)

_START_CODE_PREFIX = b"\x00\x00\x01"
_START_CODE = b"\x00" + _START_CODE_PREFIX


def split_nal_units(data: bytes) -> list[bytes]:
    """The NAL units of a byte stream, without start codes and the zero bytes around them.

    Raises:
        PayloadError: no start code, other bytes before the first one, or an empty NAL unit.
    Source: ITU-T H.264 and H.265, Annex B (a NAL unit never ends in a zero byte).
    """
    before, *nal_units = (part.rstrip(b"\x00") for part in data.split(_START_CODE_PREFIX))
    if before or not nal_units:
        raise PayloadError("not an Annex B byte stream: it does not begin with a start code")
    if not all(nal_units):
        raise PayloadError("an empty NAL unit in the byte stream")
    return nal_units


def join_nal_units(nal_units: Iterable[bytes]) -> bytes:
    """A byte stream in canonical form: a start code of 4 bytes before each NAL unit, nothing between.

    Source: ITU-T H.264 and H.265, Annex B.
    """
    return b"".join(_START_CODE + nal_unit for nal_unit in nal_units)


def read_access_unit(
    payloads: Sequence[bytes | None],
    pieces_of: Callable[[bytes], list[Piece]],
    type_of: Callable[[bytes], int],
) -> AccessUnit:
    """The received part of an access unit, as a byte stream in canonical form.

    Args:
        payloads: in order, None for each missing one.
        pieces_of: the NAL units and fragments in a payload.
        type_of: `nal_unit_type` of a NAL unit.
    Raises:
        PayloadError: malformed payloads.
    """
    found, before_gap = assemble([None if p is None else pieces_of(p) for p in payloads])
    units = tuple(Unit(type_of(data), data, complete) for data, complete in found)
    stream = join_nal_units(u.data for u in units)
    intact = len(join_nal_units(u.data for u in units[:before_gap]))
    return AccessUnit(status_of(payloads, units), stream, units, intact)
