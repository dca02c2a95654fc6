"""Structural similarity."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from lossweep.experiments.metrics.metric import FrameMetric, Picture, checked

RADIUS, SIGMA = 5, 1.5
K1, K2 = 0.01, 0.03
WINDOW = np.exp(-0.5 * (np.arange(-RADIUS, RADIUS + 1) / SIGMA) ** 2)
WINDOW /= WINDOW.sum()
ROWS, COLUMNS = 32, 16
"""Windows are taken in strips of this many rows, and in blocks of this many columns: what a strip needs stays in a
core's own cache."""


class Ssim(FrameMetric):
    """Structural similarity of luma, Gaussian window of 11 x 11 with sigma 1.5.

    The mean is taken where the whole window lies in the picture; no downscaling beforehand. Equal to
    `skimage.metrics.structural_similarity` to 1e-12 and six times faster, and its parts serve MS-SSIM: so it is not
    taken from there.

    Source: Wang et al. 2004, eq. 13, K1 = 0.01, K2 = 0.03, L = 255.
    """

    name = "ssim"
    higher_is_better = True
    label = "SSIM (luma)"
    least_side = 2 * RADIUS + 1

    def scores(self, pairs: Sequence[tuple[Picture, Picture]]) -> list[float]:
        """SSIM of each pair (shown, reference), in [-1, 1]; 1 for identical pictures.

        Raises:
            ValueError: not uint8 RGB, of different shapes, or smaller than the window.
        """
        return [self._score(pair) for pair in pairs]

    def _score(self, pair: tuple[Picture, Picture]) -> float:
        x, y = (_thousandfold_luma(pixels) for pixels in checked(pair, self.name, self.least_side))
        return mean_similarity(x, y, peak=255_000)


def mean_similarity(
    x: NDArray[np.floating], y: NDArray[np.floating], peak: float = 255.0, luminance: bool = True
) -> float:
    """Mean over all windows of the similarity of two planes.

    With p = x + y and m = x - y, of which P, M are the windows' means and Vp, Vm their variances, the similarity of
    luminance is (P^2 - M^2 + 2 C1) / (P^2 + M^2 + 2 C1), and that of contrast and structure
    (Vp - Vm + 2 C2) / (Vp + Vm + 2 C2).

    Args:
        x, y: [height, width], both at least 11, in [0, peak].
        peak: L.
        luminance: whether the similarity of luminance is a factor.
    Source: Wang et al. 2004, eq. 6, 9, 10 with C3 = C2 / 2.
    """
    height, width = x.shape
    rows, columns = height - 2 * RADIUS, width - 2 * RADIUS
    moments = np.empty((4, min(ROWS, rows) + 2 * RADIUS, width))
    vertical, means = np.empty(4 * ROWS * width), np.empty(4 * ROWS * columns)
    total = 0.0
    for top in range(0, rows, ROWS):
        count = min(ROWS, rows - top)
        strip = slice(top, top + count + 2 * RADIUS)
        inputs = moments[:, : count + 2 * RADIUS]
        np.add(x[strip], y[strip], out=inputs[0])
        np.subtract(x[strip], y[strip], out=inputs[1])
        np.multiply(inputs[:2], inputs[:2], out=inputs[2:])
        along = vertical[: 4 * count * width].reshape(4, count, width)
        np.matmul(_band(count), inputs, out=along)
        found = means[: 4 * count * columns].reshape(4, count * columns)
        _means_of_rows(along, found)
        total += _sum_of_similarity(found, 2 * (K1 * peak) ** 2, 2 * (K2 * peak) ** 2, luminance)
    return total / (rows * columns)


def _means_of_rows(planes: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Windowed means of [planes, rows, width] along the width, into [planes, rows (width - 10)], in any order."""
    count, rows, width = planes.shape
    blocks, rest = divmod(width - 2 * RADIUS, COLUMNS)
    plane, row, column = planes.strides
    overlapping = as_strided(
        planes,
        (count, blocks, rows, COLUMNS + 2 * RADIUS),
        (plane, COLUMNS * column, row, column),
        writeable=False,
    )
    cut = blocks * rows * COLUMNS
    np.matmul(overlapping, _band(COLUMNS).T, out=out[:, :cut].reshape(count, blocks, rows, COLUMNS))
    if rest:
        last = planes[..., blocks * COLUMNS :]
        np.matmul(last, _band(rest).T, out=out[:, cut:].reshape(count, rows, rest))


def _sum_of_similarity(means: NDArray[np.float64], c1: float, c2: float, luminance: bool) -> float:
    """Sum over windows, of the means [4, windows] of p, m, p^2, m^2, which are overwritten."""
    squares, variances = means[:2], means[2:]
    np.multiply(squares, squares, out=squares)
    variances -= squares
    variances[0] += c2
    similarity = variances[0] - variances[1]
    scale = np.add(*variances, out=variances[0])
    if luminance:
        squares[0] += c1
        similarity *= np.subtract(*squares, out=variances[1])
        scale *= np.add(*squares, out=squares[0])
    similarity /= scale
    return float(similarity.sum())


@lru_cache(maxsize=64)
def _band(outputs: int) -> NDArray[np.float64]:
    """[outputs, outputs + 10]: row i has the window at columns i to i + 10."""
    matrix = np.zeros((outputs, outputs + 2 * RADIUS))
    for i in range(outputs):
        matrix[i, i : i + 2 * RADIUS + 1] = WINDOW
    return matrix


def _thousandfold_luma(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """1000 times the luma of `metric.luma`, exact: a whole number below 2^24. float32 [height, width]."""
    weights = np.array([299, 587, 114], np.float32)
    return (pixels.reshape(-1, 3).astype(np.float32) @ weights).reshape(pixels.shape[:2])
