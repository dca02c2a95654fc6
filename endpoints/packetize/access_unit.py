"""Access units assembled from the received RTP payloads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


class PayloadError(ValueError):
    """Bytes that are not an RTP payload or an access unit of the format."""


@dataclass(frozen=True)
class Unit:
    """A NAL unit or an OBU.

    Attributes:
        type: `nal_unit_type` or `obu_type`.
        data: NAL unit without start code; OBU without size field.
        complete: False where the end is missing; `data` is then the leading part.
    """

    type: int
    data: bytes
    complete: bool


@dataclass(frozen=True)
class AccessUnit:
    """An access unit (AV1: temporal unit) as far as it arrived.

    The size of a lost payload is unknown, so the offsets of bytes after the first gap are unknown. `intact_bytes`
    counts the bytes before the gap; `units` lists every NAL unit or OBU that arrived, before and after it. Fragments
    whose beginning is lost are in neither, since no decoder can use them.

    Attributes:
        status: "whole": every payload arrived; "damaged": some payload is missing but not every unit;
            "missing": nothing usable arrived.
        data: the decoder's input: `units` in order as a byte stream, incomplete ones included. Empty
            where the status is "missing".
        units: the NAL units or OBUs.
        intact_bytes: the first `intact_bytes` bytes of `data` are those of the access unit sent.
    """

    status: Literal["whole", "damaged", "missing"]
    data: bytes
    units: tuple[Unit, ...]
    intact_bytes: int

    @property
    def leading(self) -> bytes:
        """The access unit's bytes before the first gap: all of it where it is whole."""
        return self.data[: self.intact_bytes]

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """Byte ranges (start, end) of the access unit known to be there: the leading one, or none."""
        return ((0, self.intact_bytes),) if self.intact_bytes else ()


@dataclass(frozen=True)
class Piece:
    """The part of one unit that one payload carries: all of it, or a fragment that begins, continues or ends it."""

    data: bytes
    begins: bool = True
    ends: bool = True


def assemble(payloads: Sequence[Sequence[Piece] | None]) -> tuple[list[tuple[bytes, bool]], int]:
    """Joins pieces to units, across gaps.

    Args:
        payloads: the pieces of each payload, in order; None for a payload that is missing.
    Returns:
        (data, complete) of each unit whose beginning arrived, and how many of these began before the
        first gap.
    Raises:
        PayloadError: a fragment that continues nothing, or a unit that is not continued, with no gap there.
    """
    units: list[tuple[bytes, bool]] = []
    before_gap: int | None = None
    open_unit: list[bytes] = []
    beginning_lost = False
    for pieces in payloads:
        if pieces is None:
            if open_unit:
                units.append((b"".join(open_unit), False))
                open_unit = []
            before_gap = len(units) if before_gap is None else before_gap
            beginning_lost = True
            continue
        for piece in pieces:
            if piece.begins:
                if open_unit:
                    raise PayloadError(
                        "a unit begins before the fragmented one ended, with no payload missing"
                    )
                beginning_lost = False
            elif not open_unit:
                if not beginning_lost:
                    raise PayloadError("a fragment continues no unit, with no payload missing before it")
                beginning_lost = not piece.ends
                continue
            open_unit.append(piece.data)
            if piece.ends:
                units.append((b"".join(open_unit), True))
                open_unit = []
    if open_unit:
        raise PayloadError("the last unit does not end, with no payload missing after it")
    return units, len(units) if before_gap is None else before_gap


def status_of(
    payloads: Sequence[bytes | None], units: Sequence[Unit]
) -> Literal["whole", "damaged", "missing"]:
    """The status of an access unit from its received payloads and units."""
    if payloads and None not in payloads:
        return "whole"
    return "damaged" if units else "missing"
