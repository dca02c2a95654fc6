"""How far the numbers of a face that are shown are from those that were sent."""

from __future__ import annotations

import numpy as np

from lossweep.endpoints.clip import Clip, Playback

EYES = slice(6, 7)


class Coefficients:
    """Coefficient RMSE in standard deviations: of all 16 numbers of all frames, and of the eye opening.

    Columns: `coefficient_rmse`; `eye_rmse`. A standard deviation is that of the training people. Only of endpoints
    that send such numbers (`Playback.semantics`); others have no value. Tracking and drawing do not count.
    """

    name = "coefficients"
    higher_is_better = False
    label = "coefficient RMSE / standard deviations"
    needs = "video"
    columns = ("coefficient_rmse", "eye_rmse")

    def __init__(self, device: str = "cpu") -> None:
        del device

    def score(self, reference: Clip, received: Playback) -> dict[str, float]:
        """A value for each of `columns`; nan where the endpoint sends no numbers."""
        if received.semantics is None:
            return dict.fromkeys(self.columns, float("nan"))
        sent, shown = received.semantics
        error = np.square(shown.astype(np.float64) - sent)
        return {
            "coefficient_rmse": float(np.sqrt(error.mean())),
            "eye_rmse": float(np.sqrt(error[:, EYES].mean())),
        }
