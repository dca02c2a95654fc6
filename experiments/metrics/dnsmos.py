"""DNSMOS: speech quality without a reference, predicted by Microsoft's networks."""

from __future__ import annotations

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from lossweep.endpoints.clip import SPEECH_RATE, Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.metrics.alignment import align_speech
from lossweep.experiments.metrics.content_cache import content_hash, get_or_make
from lossweep.experiments.metrics.mel import mel_power
from lossweep.experiments.metrics.metric import ClipMetric
from lossweep.experiments.metrics.onnx import session

SEGMENT = int(9.01 * SPEECH_RATE)
KEPT = 4096
_SIGNAL = np.poly1d([-0.08397278, 1.22083953, 0.0052439])
_BACKGROUND = np.poly1d([-0.13166888, 1.60915514, -0.39604546])
_OVERALL = np.poly1d([-0.06766283, 1.11546468, 0.04602535])


class Dnsmos(ClipMetric):
    """Predicted mean opinion scores, about 1 to 5, without a reference; a clip's own score is not 5.

    `dnsmos` is the overall quality of P.835, `dnsmos_sig` and `dnsmos_bak` those of speech and background,
    `dnsmos_p808` the P.808 score. Speech shorter than 9.01 s is doubled until it is longer, then scored in
    windows a second apart, as the package speechmos does (equal to 1e-4). Half a second of CPU a window, so
    speech that was scored before is not scored again. Made for denoising: it is not sensitive to gaps.

    Source: Reddy et al. 2022; package speechmos.
    """

    name = "dnsmos"
    higher_is_better = True
    label = "DNSMOS (overall)"
    needs = "speech"
    columns = ("dnsmos", "dnsmos_sig", "dnsmos_bak", "dnsmos_p808")

    def __init__(self, device: str = "cpu") -> None:
        super().__init__(device)
        self._p835 = session(self.name, "dnsmos_models/sig_bak_ovr.onnx")
        self._p808 = session(self.name, "dnsmos_models/model_v8.onnx")
        self._known: LRUCache[bytes, dict[str, float]] = LRUCache(KEPT)

    def score(self, reference: Clip, playback: Playback, truth: Truth) -> dict[str, float]:
        """A value for each of `columns`."""
        _, received = align_speech(reference, playback)
        return get_or_make(self._known, content_hash(received), lambda: self.opinion(received))

    def forget(self) -> None:
        """Drops the scores that are kept."""
        self._known.clear()

    def opinion(self, speech: NDArray[np.float32]) -> dict[str, float]:
        """The scores of speech by itself, float32 [samples] in [-1, 1], 16 kHz."""
        while len(speech) < SEGMENT:
            speech = np.append(speech, speech)
        hops = int(len(speech) // SPEECH_RATE - SEGMENT / SPEECH_RATE) + 1
        segments = [speech[i * SPEECH_RATE :][:SEGMENT] for i in range(hops)]
        raw = np.array([self._p835.run(None, {"input_1": segment[None]})[0][0] for segment in segments])
        p808 = [
            self._p808.run(None, {"input_1": _spectrogram(segment)[None]})[0][0, 0] for segment in segments
        ]
        return {
            "dnsmos": float(_OVERALL(raw[:, 2]).mean()),
            "dnsmos_sig": float(_SIGNAL(raw[:, 0]).mean()),
            "dnsmos_bak": float(_BACKGROUND(raw[:, 1]).mean()),
            "dnsmos_p808": float(np.mean(p808)),
        }


def _spectrogram(segment: NDArray[np.float32]) -> NDArray[np.float32]:
    power = np.maximum(mel_power(segment[:-160], 321, 160, 120), 1e-10)
    decibel = 10 * np.log10(power / power.max())
    return ((np.maximum(decibel, -80) + 40) / 40).astype(np.float32)
