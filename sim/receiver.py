"""The receiver of the closed loop: it drops duplicates and repairs source packets as they come."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossweep.sim.stream import PacketCode, Stream


class Receiver:
    """Notes first arrivals and repairs source packets as soon as the block's code can.

    The code of a block is asked at each arrival once a repair packet of the block is there, with all that
    arrived so far; so a source packet is repaired at the first moment that its code recovers it. Packets that
    arrived too late to be played still count towards packets whose time has not come.

    Args:
        stream: what was sent.

    Attributes:
        arrived_s: first arrival of each packet, inf before; a list of floats [packets].
        repaired_s: when FEC gave each source packet, inf before; a list of floats [packets].
        duplicates: arrivals that were dropped because the packet had been there.
    """

    def __init__(self, stream: Stream) -> None:
        self.arrived_s = [float("inf")] * len(stream.packets)
        self.repaired_s = [float("inf")] * len(stream.packets)
        self.duplicates = 0
        self._blocks = [_BlockRepair(block.first, block.code) for block in stream.blocks]
        self._block_of = np.repeat(np.arange(len(stream.blocks)), [b.code.n for b in stream.blocks]).tolist()

    def receive(self, index: int, now: float) -> None:
        """Takes packet `index`, which arrives `now`; times must not decrease from call to call."""
        if self.arrived_s[index] <= now:
            self.duplicates += 1
            return
        self.arrived_s[index] = now
        for source in self._blocks[self._block_of[index]].add(index).tolist():
            self.repaired_s[source] = now


class _BlockRepair:
    __slots__ = ("_arrived", "_code", "_done", "_first", "_known", "_repair_arrived")

    def __init__(self, first: int, code: PacketCode) -> None:
        self._first = first
        self._code = code
        self._arrived = np.zeros(code.n, dtype=bool)
        self._known = np.zeros(code.k, dtype=bool)
        self._repair_arrived = False
        self._done = False

    def add(self, index: int) -> NDArray[np.int64]:
        """Notes an arrival; the indices of source packets that it makes known by repair."""
        if self._done:
            return _NOTHING
        esi = index - self._first
        self._arrived[esi] = True
        if esi < self._code.k:
            self._known[esi] = True
        else:
            self._repair_arrived = True
        if not self._repair_arrived:
            return _NOTHING
        recovered = self._code.recovers(self._arrived) & ~self._known
        self._known |= recovered
        self._done = bool(self._known.all())
        return np.flatnonzero(recovered) + self._first


_NOTHING = np.empty(0, dtype=np.int64)
