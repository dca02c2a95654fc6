"""How long a packet is on its way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from lossweep.channels.loss import check_names


@dataclass(frozen=True)
class Delay:
    """One-way delay: normal around the propagation delay, never below 0, independent from packet to packet.

    delay = max(0, propagation_delay_s + jitter_s z) with z standard normal, as tc-netem's `delay TIME JITTER
    distribution normal` does it. Independence lets packets overtake one another. Where jitter is not small
    beside the propagation delay, the floor at 0 makes the standard deviation smaller than `jitter_s`.

    Attributes:
        propagation_delay_s: mean (before the floor), finite, >= 0.
        jitter_s: standard deviation (before the floor), finite, >= 0.
    Raises:
        ValueError: a parameter out of its range, naming it.
    Source: tc-netem(8).
    """

    propagation_delay_s: float = 0.0
    jitter_s: float = 0.0

    def __post_init__(self) -> None:
        for name in ("propagation_delay_s", "jitter_s"):
            value = getattr(self, name)
            number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
            if not number or not 0.0 <= value < math.inf:
                raise ValueError(f"{name} is {value!r}; it must be a finite number of seconds, 0 or more")

    @classmethod
    def from_params(cls, **params: Any) -> Delay:
        """The delay from a scenario's `propagation_delay_s` and `jitter_s`, each 0 where it is absent.

        Raises:
            ValueError: one line; a parameter is unknown or out of its range.
        """
        check_names("delay", params, set(), {"propagation_delay_s", "jitter_s"})
        return cls(**params)

    def quantile(self, q: float | NDArray[np.float64]) -> float | NDArray[np.float64]:
        """The delay that a fraction `q` of packets does not exceed, in seconds; exact.

        At a uniform q in [0, 1) it is also a draw of the delay.

        Args:
            q: in [0, 1), of any shape; q = 0 gives the smallest delay.
        Raises:
            ValueError: q outside [0, 1).
        """
        if not np.all((np.asarray(q) >= 0.0) & (np.asarray(q) < 1.0)):
            raise ValueError(f"quantile of {q!r}; it must be in [0, 1)")
        if self.jitter_s == 0.0:
            delay = np.full(np.shape(q), self.propagation_delay_s)
        else:
            delay = np.maximum(0.0, self.propagation_delay_s + self.jitter_s * ndtri(q))
        return delay if np.ndim(q) else float(delay)
