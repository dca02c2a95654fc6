"""Structural similarity at several scales."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lossweep.experiments.metrics.metric import FrameMetric, Picture, checked, luma
from lossweep.experiments.metrics.ssim import RADIUS, mean_similarity

EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
LEAST_SIDE = (2 * RADIUS + 1) * 2 ** (len(EXPONENTS) - 1)


class MsSsim(FrameMetric):
    """Multi-scale structural similarity of luma, five scales, each the 2 x 2 means of the one before.

    Known deviations: an odd last row or column is left out before halving; a negative mean of a scale counts
    0, as its root is undefined.

    Source: Wang et al. 2003, eq. 7 and section 3.2.
    """

    name = "ms_ssim"
    higher_is_better = True
    label = "MS-SSIM (luma)"
    least_side = LEAST_SIDE

    def scores(self, pairs: Sequence[tuple[Picture, Picture]]) -> list[float]:
        """MS-SSIM of each pair (shown, reference), in [0, 1]; 1 for identical pictures.

        Raises:
            ValueError: not uint8 RGB, of different shapes, or with a side below 176.
        """
        return [self._score(pair) for pair in pairs]

    def _score(self, pair: tuple[Picture, Picture]) -> float:
        x, y = (luma(pixels) for pixels in checked(pair, self.name, self.least_side))
        product = 1.0
        for scale, exponent in enumerate(EXPONENTS):
            if scale:
                x, y = _halved(x), _halved(y)
            mean = mean_similarity(x, y, luminance=scale == len(EXPONENTS) - 1)
            product *= max(0.0, mean) ** exponent
        return product


def _halved(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns = plane.shape[0] // 2, plane.shape[1] // 2
    return plane[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).mean(axis=(1, 3))
