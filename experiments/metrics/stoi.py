"""Short-time objective intelligibility, from the package pystoi."""

from __future__ import annotations

import warnings

from lossweep.endpoints.clip import SPEECH_RATE, Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.metrics.alignment import align_speech
from lossweep.experiments.metrics.metric import ClipMetric


class Stoi(ClipMetric):
    """STOI, about 0 to 1; nan where less than 0.4 s of the reference is louder than its silences.

    Source: Taal et al. 2011; package pystoi.
    """

    name = "stoi"
    higher_is_better = True
    label = "STOI"
    needs = "speech"
    columns = ("stoi",)

    def score(self, reference: Clip, playback: Playback, truth: Truth) -> dict[str, float]:
        """A value for each of `columns`."""
        from pystoi import stoi

        original, received = align_speech(reference, playback)
        if not original.any():
            return {"stoi": float("nan")}
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            try:
                return {"stoi": float(stoi(original, received, SPEECH_RATE))}
            except RuntimeWarning:  # pystoi: too few frames
                return {"stoi": float("nan")}
