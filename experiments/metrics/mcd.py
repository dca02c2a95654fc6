"""Mel cepstral distortion: unaligned, after dynamic time warping, and weighted by length."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.metrics.alignment import align_speech
from lossweep.experiments.metrics.dtw import warping
from lossweep.experiments.metrics.mel import cepstrum, log_mel
from lossweep.experiments.metrics.metric import ClipMetric

DECIBEL = 10 * math.sqrt(2) / math.log(10)


class Mcd(ClipMetric):
    """Mel cepstral distortion in dB: the distance of log mel spectra, level apart; 0 for identical speech.

    `mcd` is the mean over frames of 10 sqrt(2) / ln 10 times the Euclidean distance of c_1 to c_13. `mcd_dtw`
    is the mean along the cheapest warping path of these distances. `mcd_dtw_sl` is `mcd_dtw` times the ratio of the
    longer to the shorter speech length, which is the time to the last sample that is not digital silence: a receiver
    that plays silence until the call ends has not synthesized longer speech. It is nan where nothing is heard.

    The cepstrum is that of 80 mel bands over 80 dB; figures from other analyses (SPTK, WORLD) are on the same scale
    but not equal.

    Source: Kubichek 1993; the variants: Chen et al. 2022 (V2C).
    """

    name = "mcd"
    higher_is_better = False
    label = "MCD (dB)"
    needs = "speech"
    columns = ("mcd", "mcd_dtw", "mcd_dtw_sl")

    def score(self, reference: Clip, playback: Playback, truth: Truth) -> dict[str, float]:
        """A value for each of `columns`."""
        spoken, in_place = align_speech(reference, playback)
        lengths = speech_length(spoken), speech_length(playback.clip.speech)
        received = in_place if lengths[1] <= len(spoken) else playback.clip.speech[: lengths[1]]
        original, warped = (cepstrum(log_mel(speech, spoken)) for speech in (spoken, received))
        played = warped if received is in_place else cepstrum(log_mel(in_place, spoken))
        cost, steps = warping(original, warped)
        factor = max(lengths) / min(lengths) if min(lengths) else float("nan")
        return {
            "mcd": float(DECIBEL * np.linalg.norm(original - played, axis=1).mean()),
            "mcd_dtw": DECIBEL * cost / steps,
            "mcd_dtw_sl": DECIBEL * cost / steps * factor,
        }


def speech_length(speech: NDArray[np.float32]) -> int:
    """Samples up to the last one that is not 0; 0 for digital silence."""
    sounding = np.flatnonzero(speech)
    return int(sounding[-1]) + 1 if len(sounding) else 0
