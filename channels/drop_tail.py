"""A first-in first-out queue that drops what it cannot hold."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.element import PacketStage
from lossweep.channels.packets import Packet, Packets
from lossweep.channels.service import UNITS_PER_BYTE, Service


@dataclass(frozen=True)
class Limit:
    """What a queue can hold; None: any amount.

    Attributes:
        packets: packets that wait.
        size_bytes: bytes that wait.
        wait_s: time that a packet waits until it is sent.
    """

    packets: int | None = None
    size_bytes: float | None = None
    wait_s: float | None = None


class DropTailStage(PacketStage):
    """The queue at work; its state is the work at which the packets that wait will start and end.

    Without drops, the end of packet i is end[i] = max(arrival[i], end[i - 1]) + size[i] in units of work (Lindley),
    a running maximum. Only busy periods in which the limit is passed are gone through packet by packet.
    """

    def __init__(self, service: Service, limit: Limit) -> None:
        self._service = service
        self._limit = limit
        self._end = -(1 << 62)
        self._waiting: deque[tuple[int, int]] = deque()  # (start, size) of admitted packets, in units
        self._held = 0  # size of those that wait, in units

    def leave_one_s(self, packet: Packet, now: float) -> float:
        work = self._service.work_at(now)
        if not self._admit(work, packet.size_bytes * UNITS_PER_BYTE, now):
            return math.nan
        return max(now, self._service.time_of(self._end))

    def _admit(self, work: int, size: int, now: float) -> bool:
        """Notes a packet that comes at `work`, unless the queue is full."""
        waiting = self._waiting
        while waiting and waiting[0][0] <= work:
            self._held -= waiting.popleft()[1]
        if work < self._end:
            limit = self._limit
            if limit.packets is not None and len(waiting) >= limit.packets:
                return False
            if limit.size_bytes is not None and self._held + size > limit.size_bytes * UNITS_PER_BYTE:
                return False
            if limit.wait_s is not None and self._service.time_of(self._end) - now > limit.wait_s:
                return False
            waiting.append((self._end, size))
            self._held += size
            self._end += size
        else:
            self._end = work + size
        return True

    def leave_s(self, packets: Packets) -> NDArray[np.float64]:
        if not len(packets):
            return packets.time_s
        work = self._service.work(packets.time_s)
        size = packets.size_bytes * UNITS_PER_BYTE
        served = np.cumsum(size)
        end = np.maximum(np.maximum.accumulate(work - (served - size)), self._end) + served
        start = end - size
        over = self._over(packets.time_s, work, size, start)
        if over.any():
            end = self._with_drops(packets.time_s, work, size, start, end, over)
        else:
            self._note(work[-1], start, size, int(end[-1]))
        leave = np.maximum(packets.time_s, self._service.time_s(np.maximum(end, 0)))
        return np.where(end < 0, np.nan, leave) if over.any() else leave

    def _over(
        self,
        time_s: NDArray[np.float64],
        work: NDArray[np.int64],
        size: NDArray[np.int64],
        start: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        """Where the limit would be passed if nothing were dropped, bool [packets]."""
        limit, wait = self._limit, start - work
        if limit.wait_s is not None:
            return (wait > 0) & (self._service.time_s(start) - time_s > limit.wait_s)
        none = np.zeros(len(work), dtype=bool)
        longest, smallest = int(wait.max()), int(size.min())
        if limit.packets is not None:
            if longest // max(smallest, 1) + 1 < limit.packets and not self._waiting:
                return none
            count, _ = self._queued(work, size, start)
            return (wait > 0) & (count >= limit.packets)
        if limit.size_bytes is not None:
            if longest + int(size.max()) <= limit.size_bytes * UNITS_PER_BYTE:
                return none
            _, held = self._queued(work, size, start)
            return (wait > 0) & (held + size > limit.size_bytes * UNITS_PER_BYTE)
        return none

    def _queued(
        self, work: NDArray[np.int64], size: NDArray[np.int64], start: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Packets and units that wait before each packet."""
        before = np.array(list(self._waiting), dtype=np.int64).reshape(-1, 2)
        starts = np.concatenate([before[:, 0], start])
        sums = np.concatenate([[0], np.cumsum(np.concatenate([before[:, 1], size]))])
        place = len(before) + np.arange(len(work))
        gone = np.minimum(np.searchsorted(starts, work, side="right"), place)
        return place - gone, sums[place] - sums[gone]

    def _with_drops(
        self,
        time_s: NDArray[np.float64],
        work: NDArray[np.int64],
        size: NDArray[np.int64],
        start: NDArray[np.int64],
        end: NDArray[np.int64],
        over: NDArray[np.bool_],
    ) -> NDArray[np.int64]:
        """Ends with drops; -1 where dropped. A busy period without an overflow is as it was."""
        end = end.copy()
        first = np.flatnonzero(start == work)
        if not len(first) or first[0]:
            first = np.concatenate([[0], first])
        stops = np.append(first[1:], len(work))
        full = np.logical_or.reduceat(over, first)
        for begin, stop in zip(first[full].tolist(), stops[full].tolist(), strict=True):
            if begin:
                self._waiting.clear()
                self._held, self._end = 0, -(1 << 62)
            rows = zip(
                work[begin:stop].tolist(), size[begin:stop].tolist(), time_s[begin:stop].tolist(), strict=True
            )
            end[begin:stop] = [self._end if self._admit(*row) else -1 for row in rows]
        last = int(first[full][-1])
        if last != int(first[-1]):
            self._waiting.clear()
            self._held, self._end = 0, -(1 << 62)
            self._note(int(work[-1]), start[int(first[-1]) :], size[int(first[-1]) :], int(end[-1]))
        return end

    def _note(self, work: int, start: NDArray[np.int64], size: NDArray[np.int64], end: int) -> None:
        """The state after packets of which none was dropped, the last of which came at `work`."""
        while self._waiting and self._waiting[0][0] <= work:
            self._held -= self._waiting.popleft()[1]
        first = int(np.searchsorted(start, work, side="right"))
        self._waiting.extend(zip(start[first:].tolist(), size[first:].tolist(), strict=True))
        self._held += int(size[first:].sum())
        self._end = end
