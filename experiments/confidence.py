"""95 % confidence intervals of a mean over independent loss patterns, inside the range of the metric.

All clips of a sweep have the same losses, so only loss patterns (repetitions) are independent. A clip has an effect of
its own, which is taken off before the patterns are compared; the mean is over clips and patterns.
A scenario can ask for intervals over clips (`plot: {bands: clips}`): each clip then counts with its mean over patterns.

The interval is Student's t on a transformed scale (delta method): the logit where a metric has two limits, the
logarithm where it has one, none where it has no limit. In simulations with 3 to 10 patterns of bounded values it
covers the truth in 92 to 97 % of the sweeps; the percentile bootstrap does in 65 to 92 %, Student's t cut at the
limits in 80 to 95 %.

With few patterns such an interval is true and of no use: with 3 it is 5 standard deviations wide, more than the
patterns themselves. Figures show the patterns instead where there are fewer than `FEWEST` (Cumming, Fidler and Vaux,
"Error bars in experimental biology", J. Cell Biol. 177, 2007, rule 3).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

LEVEL = 0.95
FEWEST = 5
"""Patterns from which on figures show the interval. With 5 it is 2.5 standard deviations wide, about as wide as the
patterns lie apart (2.3, normal values)."""


def method(unit: str = "loss pattern") -> str:
    """How the interval of a figure is made, for its caption."""
    return f"95 % interval over {unit}s (Student t on a scale that keeps the metric's range)"


class Interval(NamedTuple):
    """A mean with its 95 % interval; `lower` and `upper` are nan where `n`, the number of loss patterns, is 1."""

    mean: float
    lower: float
    upper: float
    n: int

    def text(self, digits: int) -> str:
        """ "0.52 (0.48 to 0.56)"; the mean alone where there is no interval, "-" where there is no value."""
        if not self.n:
            return "-"
        mean = f"{self.mean:.{digits}f}"
        return mean if self.n == 1 else f"{mean} ({self.lower:.{digits}f} to {self.upper:.{digits}f})"


def interval(values: ArrayLike, lowest: float | None = None, highest: float | None = None) -> Interval:
    """Mean and 95 % interval.

    Args:
        values: float [patterns] or [patterns, clips]; nan where a clip has no value under a pattern.
        lowest, highest: range of the metric; None is unlimited. Values beyond it count as its limit.
    Returns:
        The mean over clips of the means over patterns; all nan where there is no value. The interval is the mean itself
        where all patterns give the same.
    """
    patterns = by_pattern(values, lowest, highest)
    n = len(patterns)
    if not n:
        return Interval(np.nan, np.nan, np.nan, 0)
    mean = float(np.nanmean(_measured(values, lowest, highest), axis=0).mean())
    if n == 1:
        return Interval(mean, np.nan, np.nan, 1)
    half = float(special.stdtrit(n - 1, 0.5 + LEVEL / 2) * patterns.std(ddof=1) / np.sqrt(n))
    lower, upper = _within(mean, half, lowest, highest)
    return Interval(mean, lower, upper, n)


def by_pattern(
    values: ArrayLike, lowest: float | None = None, highest: float | None = None
) -> NDArray[np.float64]:
    """The value of each loss pattern that has one, over all clips: float64 [patterns].

    A clip that is missing under a pattern does not move it. Arguments as of `interval`.
    """
    table = _measured(values, lowest, highest)
    if not table.size:
        return np.empty(0)
    by_clip = np.nanmean(table, axis=0)
    patterns: NDArray[np.float64] = by_clip.mean() + np.nanmean(table - by_clip, axis=1)
    return patterns


def _measured(values: ArrayLike, lowest: float | None, highest: float | None) -> NDArray[np.float64]:
    """The values within the range, without patterns and clips that have none: float64 [patterns, clips]."""
    table = np.asarray(values, dtype=np.float64)
    table = table[:, None] if table.ndim == 1 else table
    table = np.clip(table, -np.inf if lowest is None else lowest, np.inf if highest is None else highest)
    table = table[:, ~np.isnan(table).all(axis=0)]
    return table[~np.isnan(table).all(axis=1)]


def _within(mean: float, half: float, lowest: float | None, highest: float | None) -> tuple[float, float]:
    """The interval mean +- half of the plain scale, made on the scale of the range."""
    if half < 1e-12 * max(abs(mean), 1e-300) or mean in (lowest, highest):
        return mean, mean
    if lowest is not None and highest is not None:
        span = highest - lowest
        share = (mean - lowest) / span
        shift = half / span / (share * (1 - share))
        middle = special.logit(share)
        low, high = special.expit([middle - shift, middle + shift])
        return lowest + span * float(low), lowest + span * float(high)
    if lowest is not None:
        factor = np.exp(min(half / (mean - lowest), 700.0))
        return lowest + (mean - lowest) / factor, lowest + (mean - lowest) * factor
    if highest is not None:
        upper, lower = _within(-mean, half, -highest, None)
        return -lower, -upper
    return mean - half, mean + half
