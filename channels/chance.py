"""The random numbers of a path: by packet slot (sbn, esi) or by time, independent of the order of calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.packets import Packet, Packets
from lossweep.channels.pcg64 import strided_uniforms

SLOTS = 256
"""Encoding symbols of a block in one page; blocks with more symbols continue in further pages."""
ROWS = 128
"""Blocks whose random numbers are drawn together."""
KINDS = 16
"""Kinds of elements that there may be."""
FEW_SLOTS = 12
"""Up to so many symbols in a block, drawing them alone is faster than drawing whole pages."""
MANY_BLOCKS = 500
"""So many blocks are worth it."""
CLOCK = 2**32 - 1
"""Spawn key of the stream that belongs to the clock; no page has this number."""


@dataclass(frozen=True)
class Chance:
    """The random numbers of one path element, for one seed and repetition.

    What a slot (sbn, esi) of copy c draws depends on (sbn, esi, c), the seed, the repetition and the element
    alone: not on how many packets a block has, nor on which other packets are sent. So two streams meet the
    same chance wherever they have the same slot (common random numbers).

    Attributes:
        seed, repetition: integers >= 0.
        element: the element's kind, plus `KINDS` times its number among those of its kind in the path.
    """

    seed: int
    repetition: int
    element: int

    def uniforms(self, packets: Packets, draws: int) -> NDArray[np.float64]:
        """Uniforms by packet slot, float64 [packets, draws] in [0, 1)."""
        page = packets.esi // SLOTS
        if packets.copy is None and not page.any():
            return self._of_page(packets.sbn, packets.esi, draws, 0, 0)
        uniforms = np.empty((len(packets), draws))
        copy = packets.copies()
        for number, of in np.unique(np.stack([page, copy]), axis=1).T.tolist():
            members = (page == number) & (copy == of)
            slots = packets.esi[members] % SLOTS
            uniforms[members] = self._of_page(packets.sbn[members], slots, draws, number, of)
        return uniforms

    def reader(self, draws: int) -> SlotReader:
        """The same uniforms, one packet at a time."""
        return SlotReader(self, draws)

    def values(self, law: Callable[[Any], Any]) -> SlotValues:
        """A function of one uniform by packet slot, one packet at a time."""
        return SlotValues(self, law)

    def clock(self) -> np.random.Generator:
        """The element's generator for what happens in time whether packets come or not."""
        spawn_key = (self.repetition, self.element, CLOCK)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=spawn_key))

    def rows(
        self, first: int, count: int, slots: int, draws: int, page: int, copy: int
    ) -> NDArray[np.float64]:
        """Uniforms of the first slots of `count` blocks from block `first` on, float64 [count, >= slots, draws]."""
        spawn_key = (self.repetition, self.element, page) + ((copy,) if copy else ())
        bits = np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=spawn_key))
        if first:
            bits.advance(first * SLOTS * draws)
        if slots > FEW_SLOTS or count < MANY_BLOCKS:
            return np.random.Generator(bits).random((count, SLOTS, draws))
        return strided_uniforms(bits, count, SLOTS * draws, slots * draws).reshape(count, slots, draws)

    def _of_page(
        self, sbn: NDArray[np.int64], slot: NDArray[np.int64], draws: int, page: int, copy: int
    ) -> NDArray[np.float64]:
        if not len(sbn):
            return np.empty((0, draws))
        slots = int(slot.max()) + 1
        together = ROWS if slots > FEW_SLOTS else ROWS * SLOTS // slots
        low, high = int(sbn.min()), int(sbn.max())
        if high - low < together:
            return self._block(sbn, slot, low, high, slots, draws, page, copy)
        uniforms = np.empty((len(sbn), draws))
        part = (sbn - low) // together
        order = None if bool(np.all(part[1:] >= part[:-1])) else np.argsort(part, kind="stable")
        part = part if order is None else part[order]
        edges = [*np.flatnonzero(np.diff(part, prepend=-1)).tolist(), len(part)]
        for start, stop in pairwise(edges):
            members = slice(start, stop) if order is None else order[start:stop]
            rows = sbn[members]
            low, high = int(rows.min()), int(rows.max())
            uniforms[members] = self._block(rows, slot[members], low, high, slots, draws, page, copy)
        return uniforms

    def _block(
        self,
        sbn: NDArray[np.int64],
        slot: NDArray[np.int64],
        low: int,
        high: int,
        slots: int,
        draws: int,
        page: int,
        copy: int,
    ) -> NDArray[np.float64]:
        rows = self.rows(low, high - low + 1, slots, draws, page, copy)
        place = (sbn - low) * rows.shape[1] + slot
        return rows.reshape(-1, draws).take(place, axis=0)


class SlotReader:
    """Uniforms by packet slot for one packet at a time.

    Blocks that were drawn are kept while they are near; from the second packet of a block on, they are a list.
    """

    def __init__(self, chance: Chance, draws: int) -> None:
        self._chance = chance
        self._draws = draws
        self._rows: dict[tuple[int, int, int], NDArray[np.float64]] = {}
        self._block: tuple[int, int, int] | None = None
        self._listed: list[list[float]] | None = None

    def of(self, packet: Packet) -> list[float]:
        """The uniforms of a packet, `draws` of them."""
        esi = packet.esi
        block = (packet.sbn, esi // SLOTS, packet.copy)
        if block == self._block:
            if self._listed is None:
                self._listed = self._row(*block).tolist()
            return self._listed[esi % SLOTS]
        self._block, self._listed = block, None
        found: list[float] = self._row(*block)[esi % SLOTS].tolist()
        return found

    def _row(self, sbn: int, page: int, copy: int) -> NDArray[np.float64]:
        part = sbn // ROWS
        rows = self._rows.get((part, page, copy))
        if rows is None:
            if len(self._rows) >= 16:
                self._rows.pop(next(iter(self._rows)))
            rows = self._chance.rows(part * ROWS, ROWS, SLOTS, self._draws, page, copy)
            self._rows[part, page, copy] = rows
        return rows[sbn - part * ROWS]


class SlotValues(SlotReader):
    """A function of one uniform by packet slot; from the second packet of a block on, computed for the whole block.

    Args:
        chance: of the element.
        law: numbers or arrays from uniforms.
    """

    def __init__(self, chance: Chance, law: Callable[[Any], Any]) -> None:
        super().__init__(chance, 1)
        self._law = law
        self._values: list[float] | None = None

    def value(self, packet: Packet) -> float:
        """The value of a packet."""
        esi = packet.esi
        block = (packet.sbn, esi // SLOTS, packet.copy)
        if block == self._block:
            if self._values is None:
                self._values = self._law(self._row(*block)[:, 0]).tolist()
            return self._values[esi % SLOTS]
        self._block, self._values = block, None
        return float(self._law(self._row(*block)[esi % SLOTS, 0]))
