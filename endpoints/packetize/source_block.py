"""A GOP as one object: its bytes cut into k equal source symbols, one per packet (as in the SyncSC paper).

The object begins with the number of access units and their sizes, each in LEB128, so that a receiver knows
from the first symbol which bytes belong to which access unit. The last symbol is padded with zeros. The paper does
not say how its receiver finds frames; this costs one or two bytes per frame and is counted in `payload_bps`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lossweep.endpoints.packetize.access_unit import PayloadError
from lossweep.endpoints.packetize.obu import read_leb128, write_leb128


class SourceBlockError(ValueError):
    """The bytes of a source block do not begin with a table of access units."""


@dataclass(frozen=True)
class Arrival:
    """What arrived of one access unit.

    Attributes:
        status: "whole", "damaged" or "missing".
        ranges: byte ranges (start, end) of the access unit that are there.
        leading: its bytes before the first gap.
    """

    status: str
    ranges: tuple[tuple[int, int], ...]
    leading: bytes


def to_symbols(access_units: Sequence[bytes], k: int, size: int | None = None) -> list[bytes]:
    """Cuts access units into k symbols of equal size.

    Args:
        size: of a symbol in bytes; None takes the least that suffices.
    Returns:
        k byte strings, ceil(bytes / k) bytes each unless `size` is given.
    Raises:
        ValueError: `size` is too small.
    """
    table = write_leb128(len(access_units)) + b"".join(write_leb128(len(unit)) for unit in access_units)
    data = table + b"".join(access_units)
    least = -(-len(data) // k)
    size = least if size is None else size
    if size < least:
        raise ValueError(f"{len(data)} bytes do not fit into {k} symbols of {size} bytes")
    data = data.ljust(size * k, b"\0")
    return [data[i * size : (i + 1) * size] for i in range(k)]


def from_symbols(symbols: Sequence[bytes | None]) -> list[Arrival]:
    """Access units from symbols, `None` for each that is not there.

    Returns:
        One `Arrival` per access unit; [] where the table did not arrive.
    Raises:
        SourceBlockError: symbols of unequal size, or a table that does not fit the object.
    """
    sizes = {len(symbol) for symbol in symbols if symbol is not None}
    if not sizes:
        return []
    if len(sizes) > 1:
        raise SourceBlockError(f"source symbols of unequal sizes {sorted(sizes)}")
    size = sizes.pop()
    gap = next((i for i, symbol in enumerate(symbols) if symbol is None), len(symbols))
    leading = b"".join(symbol for symbol in symbols[:gap] if symbol is not None)
    table = _read_table(leading, len(symbols) * size, cut=gap < len(symbols))
    if table is None:
        return []
    position, lengths = table
    arrivals = []
    for length in lengths:
        ranges = _ranges(symbols, size, position, position + length)
        start = leading[position : position + length]
        whole = ranges == ((0, length),) or not length
        arrivals.append(Arrival("whole" if whole else "damaged" if ranges else "missing", ranges, start))
        position += length
    return arrivals


def _ranges(symbols: Sequence[bytes | None], size: int, start: int, end: int) -> tuple[tuple[int, int], ...]:
    ranges: list[tuple[int, int]] = []
    for index in range(start // size, -(-end // size)):
        if symbols[index] is None:
            continue
        low, high = max(index * size, start) - start, min((index + 1) * size, end) - start
        if ranges and ranges[-1][1] == low:
            ranges[-1] = (ranges[-1][0], high)
        else:
            ranges.append((low, high))
    return tuple(ranges)


def _read_table(data: bytes, object_size: int, cut: bool) -> tuple[int, list[int]] | None:
    """Position after the table and the sizes in it; None where the table goes on behind the cut."""
    try:
        count, position = read_leb128(data, 0)
        if count > object_size:
            raise SourceBlockError(f"{count} access units in a source block of {object_size} bytes")
        lengths = []
        for _ in range(count):
            length, position = read_leb128(data, position)
            lengths.append(length)
    except PayloadError as error:
        if cut:
            return None
        raise SourceBlockError(f"table of access units: {error}") from None
    if position + sum(lengths) > object_size:
        raise SourceBlockError(f"access units of {sum(lengths)} bytes in a block of {object_size}")
    return position, lengths
