"""Simulated time for the closed loop: SimPy's, with calls at exact times."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappush
from typing import Any, TypeVar

import simpy
from simpy.events import NORMAL

T = TypeVar("T")


class NetworkClock(simpy.Environment):
    """A SimPy environment whose `at` takes a time instead of a delay.

    now + (time - now) is not always `time` in floating point; packets that leave an element at the same moment
    would change places. So calls go into the environment's queue by their time. Processes work as usual.
    """

    def at(self, time_s: float, call: Callable[[T, float], None], packet: T) -> None:
        """Calls `call(packet, time_s)` at `time_s`, not earlier than now; those of equal time in order.

        What is passed on is a packet, or whatever else the call needs.
        """
        entry = (time_s, NORMAL, next(self._eid), _Call(call, packet, time_s))
        heappush(self._queue, entry)  # type: ignore[misc]


class _Call:
    """A scheduled call, in the shape of a SimPy event that has succeeded."""

    __slots__ = ("call", "callbacks", "packet", "time_s")
    _ok = True

    def __init__(self, call: Callable[[Any, float], None], packet: Any, time_s: float) -> None:
        self.callbacks = _CALLBACKS
        self.call = call
        self.packet = packet
        self.time_s = time_s


def _run(event: _Call) -> None:
    event.call(event.packet, event.time_s)


_CALLBACKS = (_run,)
