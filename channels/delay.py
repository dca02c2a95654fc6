"""One-way delay."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from lossweep.channels.chance import Chance
from lossweep.channels.delay_laws import DISTRIBUTIONS, LAWS, Distribution, Quantile, empirical
from lossweep.channels.element import Element, Kind, PacketStage
from lossweep.channels.packets import Packet, Packets
from lossweep.channels.parameters import check_not_negative
from lossweep.channels.traces import read_delays

STEPS_PER_CORRELATION_TIME = 16
"""Steps of the clock in one correlation time; the delay is constant within a step."""


@dataclass(frozen=True)
class Delay(Element):
    """One-way delay: constant, normal, gamma, Pareto or measured; in time correlated or not.

    Without a correlation time each packet draws its own delay, by its slot. With one, the delay is a function of
    the clock: a stationary Gaussian process with the autocorrelation exp(-t / correlation_time_s), in steps of a
    16th of that time, mapped to the distribution; all packets of a step have the same delay.

    Attributes:
        propagation_delay_s: finite, >= 0; the mean of `normal` (before its floor at 0), the minimum of `gamma` and
            `pareto`; added to the delays of a trace.
        jitter_s: standard deviation (of `normal` before its floor), finite, >= 0; 0 makes the delay constant.
        distribution: "normal", "gamma" (shape 2) or "pareto" (Lomax, shape 3).
        file: measured delays, one number of seconds on each line; overrides the distribution.
        correlation_time_s: >= 0; 0 for independent delays.
        reordering: whether packets may overtake one another; if not, a packet waits for those before it.
    Raises:
        ValueError: a parameter out of its range, naming it.
        TraceError: a file of delays that cannot be read.
    Source: tc-netem(8).
    """

    propagation_delay_s: float = 0.0
    jitter_s: float = 0.0
    distribution: Distribution = "normal"
    file: str | None = None
    correlation_time_s: float = 0.0
    reordering: bool = False
    _quantile: Quantile | None = field(default=None, init=False, repr=False, compare=False)

    name: ClassVar[str] = "delay"
    kind: ClassVar[Kind] = Kind.DELAY

    def __post_init__(self) -> None:
        for name in ("propagation_delay_s", "jitter_s", "correlation_time_s"):
            check_not_negative(name, getattr(self, name), "seconds")
        if self.distribution not in DISTRIBUTIONS:
            raise ValueError(f"distribution is {self.distribution!r}; it must be {', '.join(DISTRIBUTIONS)}")
        if not isinstance(self.reordering, bool):
            raise ValueError(f"reordering is {self.reordering!r}; it must be true or false")
        law: Quantile | None = None
        if self.file is not None:
            if self.jitter_s:
                raise ValueError("delay: give either jitter_s or a file of delays, not both")
            law = empirical(self.propagation_delay_s + read_delays(self.file))
        elif self.jitter_s:
            law = LAWS[self.distribution](self.propagation_delay_s, self.jitter_s)
        object.__setattr__(self, "_quantile", law)

    def quantile(self, q: float | NDArray[np.float64]) -> float | NDArray[np.float64]:
        """The delay that a fraction `q` of packets does not exceed, in seconds; exact.

        At a uniform q in [0, 1) it is also a draw of the delay.

        Args:
            q: in [0, 1), of any shape; q = 0 gives the smallest delay.
        Raises:
            ValueError: q outside [0, 1).
        """
        probability = np.asarray(q, dtype=np.float64)
        if not np.all((probability >= 0.0) & (probability < 1.0)):
            raise ValueError(f"quantile of {q!r}; it must be in [0, 1)")
        if self._quantile is None:
            delay = np.full(probability.shape, self.propagation_delay_s)
        else:
            delay = self._quantile(probability)
        return delay if np.ndim(q) else float(delay)

    def delay_quantile(self, q: float) -> float | None:
        return float(self.quantile(q))

    def start(self, chance: Chance, end_s: float) -> DelayStage:
        return DelayStage(self, chance)


class DelayStage(PacketStage):
    """A delay at work."""

    def __init__(self, model: Delay, chance: Chance) -> None:
        self._model = model
        self._chance = chance
        self._reordering = model.reordering
        self._last_leave_s = -math.inf
        self._law = model._quantile
        self._values = chance.values(self._law) if self._law is not None else None
        self._steps = _CorrelatedSteps(model, chance.clock()) if model.correlation_time_s else None

    def leave_s(self, packets: Packets) -> NDArray[np.float64]:
        if self._law is None:
            leave = packets.time_s + self._model.propagation_delay_s
        elif self._steps is not None:
            leave = packets.time_s + self._steps.delays_s(packets.time_s)
        else:
            leave = packets.time_s + self._law(self._chance.uniforms(packets, 1)[:, 0])
        if self._reordering or self._law is None or not len(leave):
            return leave
        leave = np.maximum.accumulate(np.maximum(leave, self._last_leave_s))
        self._last_leave_s = float(leave[-1])
        return leave

    def leave_one_s(self, packet: Packet, now: float) -> float:
        if self._values is None:
            return now + self._model.propagation_delay_s
        if self._steps is not None:
            leave = now + float(self._steps.delays_s(np.array([now]))[0])
        else:
            leave = now + self._values.value(packet)
        if not self._reordering:
            leave = self._last_leave_s = max(leave, self._last_leave_s)
        return leave


class _CorrelatedSteps:
    """Delays by step of the clock; the time before 0 counts as step 0."""

    def __init__(self, model: Delay, rng: np.random.Generator) -> None:
        self._model = model
        self._rng = rng
        self._step_s = model.correlation_time_s / STEPS_PER_CORRELATION_TIME
        self._memory = math.exp(-1.0 / STEPS_PER_CORRELATION_TIME)
        self._state = float(rng.standard_normal())
        self._delays_s = np.empty(0)

    def delays_s(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """The delay at each time, float64 [times]."""
        steps = np.maximum(0, times_s // self._step_s).astype(np.int64)
        needed = int(steps.max(initial=-1)) + 1
        while len(self._delays_s) < needed:
            states, fresh = [], math.sqrt(1.0 - self._memory**2)
            for innovation in self._rng.standard_normal(1024).tolist():
                states.append(self._state)
                self._state = self._memory * self._state + fresh * innovation
            drawn = self._model.quantile(np.minimum(ndtr(np.array(states)), 1.0 - 1e-16))
            self._delays_s = np.append(self._delays_s, drawn)
        return self._delays_s[steps]
