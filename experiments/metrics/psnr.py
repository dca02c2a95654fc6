"""Peak signal-to-noise ratio."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lossweep.experiments.metrics.metric import FrameMetric, Picture, checked

CAP_DB = 100.0


class Psnr(FrameMetric):
    """Peak signal-to-noise ratio over the three RGB channels, in dB.

    Deviation: capped at 100 dB, which is also the score of identical pictures (whose ratio is infinite), so
    that means over frames stay finite. Every pair of 256x256 pictures that differ by more than one grey level
    in one sample lies below the cap.

    Source: 10 log10(255^2 / mean squared error).
    """

    name = "psnr"
    higher_is_better = True
    label = "PSNR (dB)"

    def scores(self, pairs: Sequence[tuple[Picture, Picture]]) -> list[float]:
        """PSNR of each pair (shown, reference), in dB, in [0, 100].

        Raises:
            ValueError: not uint8 RGB, or of different shapes.
        """
        return [self._score(pair) for pair in pairs]

    def _score(self, pair: tuple[Picture, Picture]) -> float:
        shown, reference = checked(pair, self.name, least_side=1)
        difference = np.subtract(shown, reference, dtype=np.int32)
        mse = np.square(difference).mean()
        return min(CAP_DB, float(10 * np.log10(255**2 / mse))) if mse else CAP_DB
