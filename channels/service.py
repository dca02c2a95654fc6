"""How much a link has served by when: constant capacity, capacity by rows, delivery opportunities.

Work is counted in integers, so that sums are exact and arrays give what packets one by one give.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.traces import TraceError, numbers, read_lines

UNITS_PER_BYTE = 1 << 20
OPPORTUNITY_BYTES = 1500
"""Bytes that one line of a Mahimahi trace lets through."""


class Service(ABC):
    """The work that a busy link does, in units of 2^-20 bytes since time 0."""

    @abstractmethod
    def work(self, time_s: NDArray[np.float64]) -> NDArray[np.int64]:
        """Units served by each time if the link is always busy, int64 [times]."""

    @abstractmethod
    def time_s(self, work: NDArray[np.int64]) -> NDArray[np.float64]:
        """When so many units are served, float64 [works]; the earliest time."""

    def work_at(self, time_s: float) -> int:
        """`work` of one time."""
        return int(self.work(np.array([time_s]))[0])

    def time_of(self, work: int) -> float:
        """`time_s` of one amount."""
        return float(self.time_s(np.array([work]))[0])


class ConstantRate(Service):
    """The same capacity at all times.

    Args:
        rate_bps: > 0.
    """

    def __init__(self, rate_bps: float) -> None:
        self._units_per_s = rate_bps / 8.0 * UNITS_PER_BYTE

    def work(self, time_s: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.floor(time_s * self._units_per_s).astype(np.int64)

    def time_s(self, work: NDArray[np.int64]) -> NDArray[np.float64]:
        return work / self._units_per_s

    def work_at(self, time_s: float) -> int:
        return math.floor(time_s * self._units_per_s)

    def time_of(self, work: int) -> float:
        return work / self._units_per_s


class RateRows(Service):
    """Capacity that is constant from row to row, repeated from the start when the rows end.

    Args:
        start_s: float64 [rows], increasing, from 0 on.
        rate_bps: float64 [rows], >= 0, not all 0.
        duration_s: when the rows begin again.
        begin_s: the time in the rows at time 0.
    """

    def __init__(
        self,
        start_s: NDArray[np.float64],
        rate_bps: NDArray[np.float64],
        duration_s: float,
        begin_s: float = 0.0,
    ) -> None:
        self._start_s = start_s
        self._units_per_s = rate_bps / 8.0 * UNITS_PER_BYTE
        self._duration_s = duration_s
        self._begin_s = begin_s
        served = self._units_per_s * np.diff(start_s, append=duration_s)
        self._served = np.concatenate([[0.0], np.cumsum(served)])

    def work(self, time_s: NDArray[np.float64]) -> NDArray[np.int64]:
        cycle, inside = np.divmod(time_s + self._begin_s, self._duration_s)
        row = np.searchsorted(self._start_s, inside, side="right") - 1
        units = self._served[row] + (inside - self._start_s[row]) * self._units_per_s[row]
        return np.floor(cycle * self._served[-1] + units).astype(np.int64)

    def time_s(self, work: NDArray[np.int64]) -> NDArray[np.float64]:
        cycle, inside = np.divmod(work.astype(np.float64), self._served[-1])
        at_end = (inside == 0.0) & (cycle > 0.0)
        cycle, inside = np.where(at_end, cycle - 1.0, cycle), np.where(at_end, self._served[-1], inside)
        row = np.maximum(np.searchsorted(self._served, inside, side="left") - 1, 0)
        rate = np.maximum(self._units_per_s[row], 1e-300)
        since = np.where(inside > self._served[row], (inside - self._served[row]) / rate, 0.0)
        return cycle * self._duration_s + self._start_s[row] + since - self._begin_s


class Opportunities(Service):
    """Delivery opportunities as Mahimahi replays them: at each, up to 1500 bytes; what is not used is lost.

    Args:
        at_s: float64 [opportunities], nondecreasing, >= 0, the last > 0; repeated from the last on.
        begin: the number of opportunities that have passed at time 0.
    Source: Mahimahi, mm-link(1).
    """

    def __init__(self, at_s: NDArray[np.float64], begin: int = 0) -> None:
        self._at_s = at_s
        self._duration_s = float(at_s[-1])
        self._begin = begin
        self._begin_s = float(at_s[begin - 1]) if begin else 0.0

    def work(self, time_s: NDArray[np.float64]) -> NDArray[np.int64]:
        cycle, inside = np.divmod(time_s + self._begin_s, self._duration_s)
        passed = cycle.astype(np.int64) * len(self._at_s) + np.searchsorted(self._at_s, inside, side="right")
        return (passed - self._begin) * (OPPORTUNITY_BYTES * UNITS_PER_BYTE)

    def time_s(self, work: NDArray[np.int64]) -> NDArray[np.float64]:
        number = -(-work // (OPPORTUNITY_BYTES * UNITS_PER_BYTE)) + self._begin
        cycle, inside = np.divmod(number - 1, len(self._at_s))
        return cycle * self._duration_s + self._at_s[inside] - self._begin_s


def read_service(file: str, begin: float = 0.0) -> Service:
    """The capacity in a trace.

    Lines of one number: Mahimahi, milliseconds of delivery opportunities. Lines of two numbers or more: time in
    seconds and capacity in Mbit/s from then on (SparkTraces).

    Args:
        file: text, plain or gzip.
        begin: where in the trace time 0 is, as a fraction in [0, 1).
    Raises:
        TraceError: unreadable, empty, times that do not increase, negative or no capacity.
    """
    lines = read_lines(file)
    if len(lines[-1].replace(",", " ").replace(";", " ").split()) == 1:
        at_s = numbers(file, lines, 1)[:, 0] / 1000.0
        if (np.diff(at_s) < 0.0).any() or at_s[0] < 0.0 or at_s[-1] <= 0.0:
            raise TraceError(f"trace {file}: milliseconds must not decrease, and end above 0")
        return Opportunities(at_s, int(begin * len(at_s)))
    rows = numbers(file, lines, 2)
    time_s, rate = rows[:, 0] - rows[0, 0], rows[:, 1]
    if len(time_s) < 2 or (np.diff(time_s) <= 0.0).any():
        raise TraceError(f"trace {file}: it needs two rows or more, with increasing times")
    if (rate < 0.0).any() or not rate.any():
        raise TraceError(f"trace {file}: capacity must be 0 or more, and not 0 throughout")
    duration_s = float(time_s[-1] + np.median(np.diff(time_s)))
    return RateRows(time_s, rate * 1e6, duration_s, begin * duration_s)
