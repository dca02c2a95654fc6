"""The receiver: jitter buffer and repair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossweep.sim.jitter_buffer import JitterBuffer
from lossweep.sim.stream import PacketCode, Stream


class Receiver:
    """Puts packets into the jitter buffer and repairs source packets as soon as the block's code can.

    The code of a block is asked at each arrival once a repair packet of the block is there, with all that
    arrived so far; so a source packet is repaired at the first moment that its code recovers it. Packets that
    arrived too late to be played still count towards packets whose time has not come.

    Args:
        stream: what was sent.
        playout_delay_s: the wait between capture and display.
    """

    def __init__(self, stream: Stream, playout_delay_s: float) -> None:
        self.buffer = JitterBuffer(stream.media_time_s, playout_delay_s)
        self._blocks = [_BlockRepair(block.first, block.code) for block in stream.blocks]
        self._block_of = np.repeat(np.arange(len(stream.blocks)), [b.code.n for b in stream.blocks]).tolist()
        self._repaired_s = np.full(len(stream.packets), np.inf)

    def receive(self, index: int, now: float) -> None:
        """Takes packet `index`, which arrives `now`; times must not decrease from call to call."""
        if not self.buffer.put(index, now):
            return
        repaired = self._blocks[self._block_of[index]].add(index)
        if len(repaired):
            self._repaired_s[repaired] = now

    def repaired(self) -> NDArray[np.bool_]:
        """Source packets that were not there in time themselves but repaired in time, bool [packets]."""
        return (self._repaired_s <= np.asarray(self.buffer.deadline_s)) & ~self.buffer.in_time()


class _BlockRepair:
    __slots__ = ("_arrived", "_code", "_done", "_first", "_known", "_missing", "_repair_arrived")

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
