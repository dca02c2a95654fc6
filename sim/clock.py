"""Simulated time for the closed loop: SimPy's, with calls at exact times."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappush

import simpy
from simpy.core import NORMAL

from lossweep.channels.packets import Packet


class _Call:
    """A scheduled call, in the shape of a SimPy event that has succeeded."""

    __slots__ = ("_call", "_packet", "_time_s", "callbacks")
    _ok = True

    def __init__(self, call: Callable[[Packet, float], None], packet: Packet, time_s: float) -> None:
        self.callbacks = [self._run]
        self._call, self._packet, self._time_s = call, packet, time_s

    def _run(self, event: object) -> None:
        self._call(self._packet, self._time_s)


class NetworkClock(simpy.Environment):
    """A SimPy environment whose `at` takes a time instead of a delay.

    now + (time - now) is not always `time` in floating point; packets that leave an element at the same moment
    would change places. So calls go into the environment's queue by their time. Processes work as usual.
    """

    def at(self, time_s: float, call: Callable[[Packet, float], None], packet: Packet) -> None:
        """Calls `call(packet, time_s)` at `time_s`, not earlier than now; those of equal time in order."""
        entry = (time_s, NORMAL, next(self._eid), _Call(call, packet, time_s))
        heappush(self._queue, entry)  # type: ignore[misc,arg-type]
