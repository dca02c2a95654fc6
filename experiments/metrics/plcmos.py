"""PLCMOS: how good concealed speech sounds, predicted by Microsoft's network for packet loss concealment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.metrics.alignment import align_speech
from lossweep.experiments.metrics.metric import ClipMetric
from lossweep.experiments.metrics.onnx import session

RATERS, SEED = 15, 2408
_WINDOW, _HOP = 512, 256
SHORTEST = 6 * _HOP
"""Samples that the network needs."""


class Plcmos(ClipMetric):
    """Predicted mean opinion score of speech with concealed gaps, version 2, about 1 to 5, without a reference.

    The mean over 15 raters; nan for digital silence and below 0.1 s. Known deviation: the package speechmos draws the
    raters anew at each call, which moves the score by some 0.05; here they are the same 15 always.

    Source: Diener et al. 2023; package speechmos.
    """

    name = "plcmos"
    higher_is_better = True
    label = "PLCMOS"
    needs = "speech"
    columns = ("plcmos",)

    def __init__(self, device: str = "cpu") -> None:
        super().__init__(device)
        self._session = session(self.name, "plcmos_models/plcmos_v2.onnx")
        self._raters = np.random.default_rng(SEED).standard_normal((RATERS, 1, 64)).astype(np.float32)

    def score(self, reference: Clip, playback: Playback, truth: Truth) -> dict[str, float]:
        """A value for each of `columns`."""
        _, received = align_speech(reference, playback)
        if not received.any() or len(received) < SHORTEST:
            return {"plcmos": float("nan")}
        spectrum = spectrogram(received)[None, None]
        opinions = [
            self._session.run(None, {"degraded_audio": spectrum, "rater_embed": rater})[0]
            for rater in self._raters
        ]
        return {"plcmos": float(np.mean(opinions))}


def spectrogram(speech: NDArray[np.float32]) -> NDArray[np.float32]:
    """The network's input: log of the squared amplitude, 512 samples of Hamming, half overlapping.

    Args:
        speech: float32 [samples], not all zero.
    Returns:
        float32 [1 + ceil(samples / 256), 257].
    """
    count = -(-(len(speech) + _HOP) // _HOP)
    padded = np.zeros((count - 1) * _HOP + _WINDOW, np.float32)
    padded[_HOP : _HOP + len(speech)] = speech
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    power = np.abs(np.fft.rfft(frames * np.hamming(_WINDOW + 1)[:-1], axis=1)) ** 2
    there = power > 0
    logarithm = np.log(power, where=there, out=np.empty_like(power))
    logarithm[~there] = np.log(power[there].min()) - 12 * np.log(10)
    return (logarithm / 20).astype(np.float32)
