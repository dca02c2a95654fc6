"""The random numbers of a path: by packet slot, or by the clock, never by who asks first."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.packets import Packet, Packets

SLOTS = 256
"""Encoding symbols of a block in one page; blocks with more symbols continue in further pages."""
ROWS = 128
"""Blocks whose random numbers are drawn together."""
KINDS = 16
"""Kinds of elements that there may be."""
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

    def clock(self) -> np.random.Generator:
        """The element's generator for what happens in time whether packets come or not."""
        spawn_key = (self.repetition, self.element, CLOCK)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=spawn_key))

    def rows(self, first: int, count: int, draws: int, page: int, copy: int) -> NDArray[np.float64]:
        """Uniforms of `count` blocks from block `first` on, float64 [count, SLOTS, draws]."""
        spawn_key = (self.repetition, self.element, page) + ((copy,) if copy else ())
        bits = np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=spawn_key))
        if first:
            bits.advance(first * SLOTS * draws)
        return np.random.Generator(bits).random((count, SLOTS, draws))

    def _of_page(
        self, sbn: NDArray[np.int64], slot: NDArray[np.int64], draws: int, page: int, copy: int
    ) -> NDArray[np.float64]:
        uniforms = np.empty((len(sbn), draws))
        part = sbn // ROWS
        order = None if bool(np.all(part[1:] >= part[:-1])) else np.argsort(part, kind="stable")
        part = part if order is None else part[order]
        edges = [*np.flatnonzero(np.diff(part, prepend=-1)).tolist(), len(part)]
        for start, stop in pairwise(edges):
            members = slice(start, stop) if order is None else order[start:stop]
            first = int(part[start]) * ROWS
            row = sbn[members] - first
            uniforms[members] = self.rows(first, int(row.max()) + 1, draws, page, copy)[row, slot[members]]
        return uniforms


class SlotReader:
    """Uniforms by packet slot for one packet at a time; blocks that were drawn are kept while they are near."""

    def __init__(self, chance: Chance, draws: int) -> None:
        self._chance = chance
        self._draws = draws
        self._rows: dict[tuple[int, int, int], NDArray[np.float64]] = {}

    def of(self, packet: Packet) -> list[float]:
        """The uniforms of a packet, `draws` of them."""
        part, page = packet.sbn // ROWS, packet.esi // SLOTS
        key = (part, page, packet.copy)
        rows = self._rows.get(key)
        if rows is None:
            if len(self._rows) >= 16:
                self._rows.pop(next(iter(self._rows)))
            rows = self._chance.rows(part * ROWS, ROWS, self._draws, page, packet.copy)
            self._rows[key] = rows
        found: list[float] = rows[packet.sbn - part * ROWS, packet.esi % SLOTS].tolist()
        return found
