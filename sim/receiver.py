"""The receiver of the closed loop: it drops duplicates and repairs source packets as they come."""

from __future__ import annotations

import numpy as np

from lossweep.sim.repair import progress_of
from lossweep.sim.stream import Stream


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
        self._first = [block.first for block in stream.blocks]
        self._progress = [progress_of(block.code) for block in stream.blocks]
        self._block_of = np.repeat(np.arange(len(stream.blocks)), [b.code.n for b in stream.blocks]).tolist()

    def receive(self, index: int, now: float) -> None:
        """Takes packet `index`, which arrives `now`; times must not decrease from call to call."""
        if self.arrived_s[index] <= now:
            self.duplicates += 1
            return
        self.arrived_s[index] = now
        block = self._block_of[index]
        first = self._first[block]
        for source in self._progress[block].add(index - first):
            self.repaired_s[first + source] = now
