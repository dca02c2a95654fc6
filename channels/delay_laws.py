"""Distributions of one-way delay beyond its minimum, by their quantiles."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtri

Quantile = Callable[[Any], Any]
"""Seconds from probabilities in [0, 1), numbers or arrays."""
Distribution = Literal["normal", "gamma", "pareto"]
DISTRIBUTIONS: tuple[Distribution, ...] = ("normal", "gamma", "pareto")
GAMMA_SHAPE = 2.0
PARETO_SHAPE = 3.0


def normal(delay_s: float, jitter_s: float) -> Quantile:
    """Mean `delay_s` and standard deviation `jitter_s` before the floor at 0 (tc-netem's distribution normal)."""
    return lambda u: np.maximum(0.0, delay_s + jitter_s * ndtri(u))


def gamma(delay_s: float, jitter_s: float) -> Quantile:
    """Minimum `delay_s` plus a gamma variable of shape 2 and standard deviation `jitter_s`."""
    scale_s = jitter_s / math.sqrt(GAMMA_SHAPE)
    return lambda u: delay_s + scale_s * gammaincinv(GAMMA_SHAPE, u)


def pareto(delay_s: float, jitter_s: float) -> Quantile:
    """Minimum `delay_s` plus a Lomax (shifted Pareto) variable of shape 3 and standard deviation `jitter_s`."""
    spread = math.sqrt(PARETO_SHAPE / ((PARETO_SHAPE - 1.0) ** 2 * (PARETO_SHAPE - 2.0)))
    scale_s = jitter_s / spread
    return lambda u: delay_s + scale_s * ((1.0 - u) ** (-1.0 / PARETO_SHAPE) - 1.0)


def empirical(delays_s: NDArray[np.float64]) -> Quantile:
    """Measured delays, each with the same probability; float64 [delays], in seconds."""
    ordered = np.sort(delays_s)
    return lambda u: ordered[np.asarray(u * len(ordered)).astype(np.int64)]


LAWS: dict[Distribution, Callable[[float, float], Quantile]] = {
    "normal": normal,
    "gamma": gamma,
    "pareto": pareto,
}
