"""Structural similarity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from experiments.metrics.metric import Picture, checked, luma

RADIUS, SIGMA = 5, 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
WINDOW = np.exp(-0.5 * (np.arange(-RADIUS, RADIUS + 1) / SIGMA) ** 2)
WINDOW /= WINDOW.sum()


class Ssim:
    """Structural similarity of luma, Gaussian window of 11 x 11 with sigma 1.5.

    The mean is taken where the whole window lies in the picture; no downscaling beforehand.

    Source: Wang et al. 2004, eq. 13, K1 = 0.01, K2 = 0.03, L = 255.
    """

    name = "ssim"
    higher_is_better = True
    label = "SSIM (luma)"
    undecodable_score = None

    def __init__(self, device: str = "cpu") -> None:
        pass

    def scores(self, pairs: Sequence[tuple[Picture, Picture]]) -> list[float]:
        """SSIM of each pair (shown, reference), in [-1, 1]; 1 for identical pictures.

        Raises:
            ValueError: not uint8 RGB, of different shapes, or smaller than the window.
        """
        return [self._score(pair) for pair in pairs]

    def _score(self, pair: tuple[Picture, Picture]) -> float:
        x, y = (luma(pixels) for pixels in checked(pair, self.name, least_side=2 * RADIUS + 1))
        mean_x, mean_y = _windowed(x), _windowed(y)
        square = mean_x**2 + mean_y**2
        product = mean_x * mean_y
        variances = _windowed(x**2 + y**2) - square
        covariance = _windowed(x * y) - product
        quotient = (2 * product + C1) * (2 * covariance + C2) / ((square + C1) * (variances + C2))
        return float(quotient.mean())


def _windowed(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    rows = correlate1d(plane, WINDOW, axis=0)[RADIUS:-RADIUS]
    return correlate1d(rows, WINDOW, axis=1)[:, RADIUS:-RADIUS]
