"""Losses in bursts of a duration: a two-state chain of the clock."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.chance import Chance
from lossweep.channels.element import Element, Kind, LossStage
from lossweep.channels.packets import Packet, Packets
from lossweep.channels.parameters import check_fraction, check_positive

_DRAWN = 256


@dataclass(frozen=True, kw_only=True)
class BurstsInTime(Element):
    """Gilbert channel in time: everything is lost in the bad state and nothing in the good one.

    The two states last exponentially distributed times with the means `mean_burst_s` and
    mean_burst_s (1 - loss_rate) / loss_rate. The chain belongs to the clock: it is drawn once for each seed and
    repetition, from the stationary law at time 0, so every system meets the same bursts, however many packets
    it sends. Two packets t seconds apart are both lost with probability
    loss (loss + (1 - loss) exp(-t / (mean_burst_s (1 - loss)))).

    Attributes:
        loss_rate: fraction of the time that is bad, in [0, 1].
        mean_burst_s: mean duration of a burst, in seconds, > 0.
    Raises:
        ValueError: a parameter outside its range, naming it.
    Source: Gilbert 1960, in continuous time; RFC 3357 for loss periods.
    """

    loss_rate: float
    mean_burst_s: float

    name: ClassVar[str] = "gilbert_elliott"
    kind: ClassVar[Kind] = Kind.LOSS

    def __post_init__(self) -> None:
        check_fraction("loss_rate", self.loss_rate)
        check_positive("mean_burst_s", self.mean_burst_s, "seconds")

    @classmethod
    def from_params(cls, **params: Any) -> BurstsInTime:
        return cls._from_fields(**params)

    def expected_loss(self) -> float | None:
        return self.loss_rate

    def start(self, chance: Chance, end_s: float) -> BurstsInTimeStage:
        return BurstsInTimeStage(self, chance)

    def sample(self, times_s: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.bool_]:
        """Losses of packets that enter at nondecreasing times, bool [packets]."""
        return _TwoStateClock(self, rng).bad(times_s)


class _TwoStateClock:
    """The chain's state at any time; it is drawn as far as needed."""

    def __init__(self, model: BurstsInTime, rng: np.random.Generator) -> None:
        self._rng = rng
        self._first_bad = bool(rng.random() < model.loss_rate)
        self._constant = model.loss_rate in (0.0, 1.0)
        if not self._constant:
            good_s = model.mean_burst_s * (1.0 - model.loss_rate) / model.loss_rate
            self._means_s = np.array(
                [model.mean_burst_s, good_s] if self._first_bad else [good_s, model.mean_burst_s]
            )
        self._changes = np.empty(0)
        self._drawn_until_s = 0.0
        self._list: list[float] = []

    def _until(self, time_s: float) -> None:
        while not self._constant and self._drawn_until_s <= time_s:
            ahead = (time_s - self._drawn_until_s) / float(self._means_s.sum())
            parts = max(1, min(int(ahead / _DRAWN), 4096))
            drawn = self._rng.standard_exponential((parts * _DRAWN, 2)) * self._means_s
            drawn[0, 0] += self._drawn_until_s
            changes = np.cumsum(drawn)
            self._changes = np.concatenate([self._changes, changes])
            self._drawn_until_s = float(changes[-1])

    def bad(self, times_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        """The state at nondecreasing times, bool [times]."""
        if not len(times_s) or self._constant:
            return np.full(len(times_s), self._first_bad)
        self._until(float(times_s[-1]))
        first, last = np.searchsorted(self._changes, times_s[[0, -1]], side="right").tolist()
        counts = np.diff(np.searchsorted(times_s, self._changes[first:last]), prepend=0, append=len(times_s))
        states = (np.arange(first, last + 1) % 2 == 1) ^ self._first_bad
        return np.repeat(states, counts)

    def bad_at(self, time_s: float) -> bool:
        """The state at one time."""
        if self._drawn_until_s <= time_s or not self._list:
            self._until(time_s)
            self._list = self._changes.tolist()
        return (bisect_right(self._list, time_s) % 2 == 1) ^ self._first_bad


class BurstsInTimeStage(LossStage):
    """The chain in time, evaluated at packets."""

    def __init__(self, model: BurstsInTime, chance: Chance) -> None:
        self._state = _TwoStateClock(model, chance.clock())

    def lost(self, packets: Packets) -> NDArray[np.bool_]:
        return self._state.bad(packets.time_s)

    def lost_one(self, packet: Packet, now: float) -> bool:
        return self._state.bad_at(now)
