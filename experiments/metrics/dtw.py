"""Dynamic time warping."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def warping(cost: NDArray[np.float64]) -> tuple[float, int]:
    """The cheapest monotonic path from the first pair to the last, by steps (1, 1), (1, 0) and (0, 1).

    Args:
        cost: float64 [n, m], of each pair; n, m >= 1.
    Returns:
        Sum of the costs along the path, and its number of pairs; of equally cheap paths a shortest one.
    Source: Sakoe and Chiba 1978, without slope constraint or weights.
    """
    n, m = cost.shape
    # Row i of the skewed matrix is shifted by i, so that an antidiagonal of `cost` is a column.
    skewed = np.full((n, n + m - 1), np.inf)
    for i in range(n):
        skewed[i, i : i + m] = cost[i]
    total = np.full((3, n + 1), np.inf)  # of antidiagonals d - 2, d - 1, d; index 0 lies outside
    length = np.zeros((3, n + 1), np.int64)
    total[0, 0] = 0.0  # so that the first pair has somewhere to come from
    for d in range(n + m - 1):
        ways = np.stack([total[0, :-1], total[1, :-1], total[1, 1:]])
        lengths = np.stack([length[0, :-1], length[1, :-1], length[1, 1:]])
        best = ways.min(0)
        shortest = np.where(ways == best, lengths, np.iinfo(np.int64).max).min(0)
        total[2, 0], total[2, 1:], length[2, 1:] = np.inf, best + skewed[:, d], shortest + 1
        total, length = np.roll(total, -1, 0), np.roll(length, -1, 0)
    return float(total[1, n]), int(length[1, n])
