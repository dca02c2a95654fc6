"""Simulated time for the closed loop: SimPy's, with calls at exact times."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, TypeVar

import simpy
from simpy.core import EmptySchedule
from simpy.events import NORMAL

T = TypeVar("T")
CALL = 5
"""A call stands in the queue as time, priority, number, function and argument; an event of SimPy has four parts."""


class NetworkClock(simpy.Environment):
    """A SimPy environment whose `at` takes a time instead of a delay.

    now + (time - now) is not always `time` in floating point; packets that leave an element at the same moment
    would change places. So calls go into the environment's queue by their time, and need no event of SimPy.
    Processes work as usual.
    """

    def at(self, time_s: float, call: Callable[[T, float], None], packet: T) -> None:
        """Calls `call(packet, time_s)` at `time_s`, not earlier than now; those of equal time in order.

        What is passed on is a packet, or whatever else the call needs.
        """
        heappush(self._queue, (time_s, NORMAL, next(self._eid), call, packet))  # type: ignore[misc]

    def step(self) -> None:
        """Runs the next call or event.

        Raises:
            EmptySchedule: there is none.
        """
        queue: list[Any] = self._queue
        if not queue:
            raise EmptySchedule
        if len(queue[0]) == CALL:
            time_s, _, _, call, packet = heappop(queue)
            self._now = time_s
            call(packet, time_s)
        else:
            super().step()

    def run_out(self) -> None:
        """Runs all calls and events; what `run()` does, without its cost for each of them."""
        queue: list[Any] = self._queue
        while queue:
            if len(queue[0]) == CALL:
                time_s, _, _, call, packet = heappop(queue)
                self._now = time_s
                call(packet, time_s)
            else:
                super().step()
