"""How far the face coefficients that are shown are from those that were sent."""

from __future__ import annotations

import numpy as np

from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.metrics.metric import ClipMetric, MetricError

EYES = slice(6, 7)


class Coefficients(ClipMetric):
    """Coefficient RMSE in standard deviations: of all 16 coefficients of all frames, and of the eye opening.

    Columns: `coefficient_rmse`; `eye_rmse`. A standard deviation is that of the training people. Only endpoints that
    send coefficients have values (`Truth.semantics`, `Playback.semantics`); others have nan. Errors of tracking and
    rendering are not included. After the last frame shown its coefficients stay.
    """

    name = "coefficients"
    higher_is_better = False
    label = "coefficient RMSE / standard deviations"
    needs = "video"
    columns = ("coefficient_rmse", "eye_rmse")

    def score(self, reference: Clip, playback: Playback, truth: Truth) -> dict[str, float]:
        """A value for each of `columns`; nan where no coefficients were sent or shown.

        Raises:
            MetricError: those shown have another number of coefficients per frame.
        """
        sent, shown = truth.semantics, playback.semantics
        if sent is None or shown is None or not len(sent) or not len(shown):
            return dict.fromkeys(self.columns, float("nan"))
        if sent.shape[1:] != shown.shape[1:]:
            raise MetricError(f"coefficients: shown is {list(shown.shape)}, sent {list(sent.shape)}")
        held = shown[np.minimum(np.arange(len(sent)), len(shown) - 1)]
        error = np.square(held.astype(np.float64) - sent)
        return {
            "coefficient_rmse": float(np.sqrt(error.mean())),
            "eye_rmse": float(np.sqrt(error[:, EYES].mean())),
        }
