"""Structural similarity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from lossweep.experiments.metrics.metric import Picture, checked, luma

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
        luminance, contrast_structure = similarity_maps(x, y)
        return float((luminance * contrast_structure).mean())


def similarity_maps(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Local luminance similarity, and local contrast and structure similarity; SSIM is their product.

    Args:
        x, y: luma, float64 [height, width] in [0, 255].
    Returns:
        Two float64 [height - 10, width - 10].
    Source: Wang et al. 2004, eq. 6, 9, 10 with C3 = C2 / 2.
    """
    mean_x, mean_y = _windowed(x), _windowed(y)
    square = mean_x**2 + mean_y**2
    product = mean_x * mean_y
    variances = _windowed(x**2 + y**2) - square
    covariance = _windowed(x * y) - product
    return (2 * product + C1) / (square + C1), (2 * covariance + C2) / (variances + C2)


def _windowed(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    rows = correlate1d(plane, WINDOW, axis=0)[RADIUS:-RADIUS]
    return correlate1d(rows, WINDOW, axis=1)[:, RADIUS:-RADIUS]
