"""When each source packet is repaired, from the times at which packets arrived."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lossweep.sim.stream import Block, PacketCode


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
    """The code of one block is evaluated after each arrival, from the first repair packet on."""
    repaired_s = np.full(code.k, np.inf)
    order = np.argsort(arrived_s, kind="stable")
    order = order[: int(np.count_nonzero(np.isfinite(arrived_s)))]
    repair = np.flatnonzero(order >= code.k)
    if not len(repair) or len(order) < 1 or np.count_nonzero(order < code.k) == code.k == len(order):
        return repaired_s
    arrived = np.zeros(code.n, dtype=bool)
    arrived[order[: repair[0]]] = True
    for esi in order[repair[0] :].tolist():
        arrived[esi] = True
        known = code.recovers(arrived) & ~arrived[: code.k] & np.isinf(repaired_s)
        repaired_s[known] = arrived_s[esi]
        if (arrived[: code.k] | np.isfinite(repaired_s)).all():
            break
    return repaired_s
