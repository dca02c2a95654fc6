"""Dynamic time warping."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def warping(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, int]:
    """The cheapest monotonic path from the first pair to the last, by steps (1, 1), (1, 0) and (0, 1).

    A pair costs the Euclidean distance of its vectors. Memory grows with n + m: costs are computed one antidiagonal
    after the other, and none is kept.

    Args:
        a: float64 [n, dimensions], n >= 1.
        b: float64 [m, dimensions], m >= 1.
    Returns:
        Sum of the costs along the path, and its number of pairs; of equally cheap paths a shortest one.
    Source: Sakoe and Chiba 1978, without slope constraint or weights.
    """
    n, m = len(a), len(b)
    backwards = np.ascontiguousarray(b[::-1])
    total = np.full((3, n + 1), np.inf)  # of antidiagonals d - 2, d - 1, d; index 0 lies outside
    length = np.zeros((3, n + 1), np.int64)
    total[0, 0] = 0.0  # so that the first pair has a predecessor
    for d in range(n + m - 1):
        low, high = max(0, d - m + 1), min(n, d + 1)
        difference = a[low:high] - backwards[m - 1 - d + low : m - 1 - d + high]
        cost = np.sqrt(np.einsum("ij,ij->i", difference, difference))
        ways = total[0, low:high], total[1, low:high], total[1, low + 1 : high + 1]
        lengths = length[0, low:high], length[1, low:high], length[1, low + 1 : high + 1]
        best = np.minimum(np.minimum(ways[0], ways[1]), ways[2])
        shortest = np.full(high - low, np.iinfo(np.int64).max)
        for way, steps in zip(ways, lengths, strict=True):
            np.minimum(shortest, steps, out=shortest, where=way == best)
        total[2] = np.inf
        total[2, low + 1 : high + 1], length[2, low + 1 : high + 1] = best + cost, shortest + 1
        total, length = np.roll(total, -1, 0), np.roll(length, -1, 0)
    return float(total[1, n]), int(length[1, n])
