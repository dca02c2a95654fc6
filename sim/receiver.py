"""The receiver of the closed loop: it drops duplicates and repairs source packets as they come."""

from __future__ import annotations

import numpy as np

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
        self._blocks = [BlockRepair(block.first, block.code) for block in stream.blocks]
        self._block_of = np.repeat(np.arange(len(stream.blocks)), [b.code.n for b in stream.blocks]).tolist()

    def receive(self, index: int, now: float) -> None:
        """Takes packet `index`, which arrives `now`; times must not decrease from call to call."""
        if self.arrived_s[index] <= now:
            self.duplicates += 1
            return
        self.arrived_s[index] = now
        for source in self._blocks[self._block_of[index]].add(index):
            self.repaired_s[source] = now


class BlockRepair:
    """What of one block has arrived. An MDS code needs only a count."""

    __slots__ = ("_arrived", "_code", "_count", "_done", "_first", "_known", "_repair_arrived")

    def __init__(self, first: int, code: PacketCode) -> None:
        self._first = first
        self._code = code
        self._arrived = bytearray(code.n)
        self._known = bytearray(code.k)
        self._count = 0
        self._repair_arrived = False
        self._done = code.n == code.k

    def add(self, index: int) -> list[int]:
        """Notes an arrival; the indices of source packets that it makes known by repair."""
        if self._done:
            return []
        esi = index - self._first
        self._arrived[esi] = 1
        self._count += 1
        if esi < self._code.k:
            self._known[esi] = 1
        else:
            self._repair_arrived = True
        if not self._repair_arrived or (self._code.mds and self._count < self._code.k):
            return []
        recovers = self._code.recovers(np.frombuffer(self._arrived, dtype=bool))
        recovered = np.flatnonzero(recovers & ~np.frombuffer(self._known, dtype=bool)).tolist()
        for source in recovered:
            self._known[source] = 1
        self._done = all(self._known)
        return [source + self._first for source in recovered]
