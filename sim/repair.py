"""When each source packet is repaired, from the times at which packets arrived."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lossweep.sim.stream import Block, IncrementalCode, PacketCode, Progress


def repair_times(blocks: Sequence[Block], arrived_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """The earliest time at which the code of its block gives each source packet, float64 [packets].

    A packet that arrived before its block's code gives it keeps its own arrival; that is the caller's business.
    Repair packets, and what is never repaired: inf.

    Args:
        blocks: of the stream, in its order.
        arrived_s: float64 [packets]; first arrival, inf where it was lost.
    """
    repaired_s = np.full(len(arrived_s), np.inf)
    alike: dict[tuple[int, int], list[int]] = {}
    for block in blocks:
        code = block.code
        if code.n == code.k:
            continue
        if code.mds:
            alike.setdefault((code.k, code.n), []).append(block.first)
        else:
            source = slice(block.first, block.first + code.k)
            repaired_s[source] = _by_arrival(code, arrived_s[block.packets])
    for (k, n), firsts in alike.items():
        places = np.array(firsts)[:, None] + np.arange(n)
        repaired_s[places[:, :k]] = mds_repair_times(k, arrived_s[places])[:, None]
    return repaired_s


def mds_repair_times(k: int, arrived_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """When the k-th packet of each block arrived, float64 [blocks], from float64 [blocks, n]; inf if fewer did."""
    if k == arrived_s.shape[1]:
        return arrived_s.max(axis=1)
    return np.partition(arrived_s, k - 1, axis=1)[:, k - 1]


def _by_arrival(code: PacketCode, arrived_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """When the code of one block gives each source packet, float64 [k], from float64 [n]."""
    repaired_s = np.full(code.k, np.inf)
    order = np.argsort(arrived_s, kind="stable")
    order = order[: int(np.count_nonzero(np.isfinite(arrived_s)))]
    progress = progress_of(code)
    for esi in order.tolist():
        for source in progress.add(esi):
            repaired_s[source] = arrived_s[esi]
    return repaired_s


def progress_of(code: PacketCode) -> Progress:
    """The state of a block of which nothing has arrived."""
    return code.progress() if isinstance(code, IncrementalCode) else PatternProgress(code)


class PatternProgress:
    """Asks the code at each arrival, once a repair packet is there. An MDS code needs only a count."""

    __slots__ = ("_arrived", "_code", "_count", "_done", "_known", "_repair_arrived")

    def __init__(self, code: PacketCode) -> None:
        self._code = code
        self._arrived = bytearray(code.n)
        self._known = bytearray(code.k)
        self._count = 0
        self._repair_arrived = False
        self._done = code.n == code.k

    def add(self, esi: int) -> list[int]:
        """See `Progress`."""
        if self._done:
            return []
        self._arrived[esi] = 1
        self._count += 1
        if esi < self._code.k:
            self._known[esi] = 1
        else:
            self._repair_arrived = True
        if not self._repair_arrived or (self._code.mds and self._count < self._code.k):
            return []
        recovers = self._code.recovers(np.frombuffer(self._arrived, dtype=bool))
        recovered: list[int] = np.flatnonzero(recovers & ~np.frombuffer(self._known, dtype=bool)).tolist()
        for source in recovered:
            self._known[source] = 1
        self._done = all(self._known)
        return recovered
