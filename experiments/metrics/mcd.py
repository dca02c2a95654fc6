"""Mel cepstral distortion, as it stands, after warping, and weighted by length."""

from __future__ import annotations

import math

import numpy as np
from scipy.spatial.distance import cdist

from lossweep.endpoints.clip import Clip, Playback
from lossweep.experiments.metrics.alignment import both
from lossweep.experiments.metrics.dtw import warping
from lossweep.experiments.metrics.mel import cepstrum, log_mel

DECIBEL = 10 * math.sqrt(2) / math.log(10)


class Mcd:
    """Mel cepstral distortion in dB: the distance of log mel spectra, level apart; 0 for identical speech.

    `mcd` is the mean over frames of 10 sqrt(2) / ln 10 times the Euclidean distance of c_1 to c_13. `mcd_dtw`
    is the mean along the cheapest warping path of these distances; `mcd_dtw_sl` is that times the ratio of the
    longer to the shorter duration. The cepstrum is that of 80 mel bands over 80 dB; figures from other analyses (SPTK,
    WORLD) are on the same scale but not equal.

    Source: Kubichek 1993; the variants: Chen et al. 2022 (V2C).
    """

    name = "mcd"
    higher_is_better = False
    label = "MCD (dB)"
    needs = "speech"
    columns = ("mcd", "mcd_dtw", "mcd_dtw_sl")

    def __init__(self, device: str = "cpu") -> None:
        del device

    def score(self, reference: Clip, received: Playback) -> dict[str, float]:
        """A value for each of `columns`."""
        spoken = reference.speech
        said, in_place = (cepstrum(log_mel(speech, spoken)) for speech in both(reference, received))
        heard = cepstrum(log_mel(received.clip.speech, spoken))
        cost, length = warping(DECIBEL * cdist(said, heard))
        durations = len(spoken), len(received.clip.speech)
        return {
            "mcd": float(DECIBEL * np.linalg.norm(said - in_place, axis=1).mean()),
            "mcd_dtw": cost / length,
            "mcd_dtw_sl": cost / length * max(durations) / min(durations),
        }
