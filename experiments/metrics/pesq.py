"""Perceptual evaluation of speech quality, from the package pesq."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.clip import SPEECH_RATE, Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.metrics.alignment import align_speech
from lossweep.experiments.metrics.metric import ClipMetric

NOTHING_HEARD = 1.0
"""Below what P.862.2 maps any speech to (1.04)."""
PIECE_S = 16.0
"""Longest piece. P.862 is for 8 to 30 s. The package writes beyond its own memory from 50 utterances on, which last at
least 0.2 s with pauses of at least 0.2 s: 20 s of short words are enough."""


class Pesq(ClipMetric):
    """Wideband PESQ as MOS-LQO, 1.04 to 4.64; nan where the reference is too short or has no utterance.

    Speech longer than 16 s is cut into equal pieces of 8 to 16 s, and the mean over those with an utterance counts.
    Known deviation: where what is heard is digital silence, which P.862 leaves undefined, a piece counts 1.

    Source: ITU-T P.862.2.
    """

    name = "pesq"
    higher_is_better = True
    label = "PESQ (wideband)"
    needs = "speech"

    def score(self, reference: Clip, playback: Playback, truth: Truth) -> dict[str, float]:
        """A value for each of `columns`."""
        original, received = align_speech(reference, playback)
        pieces = max(1, math.ceil(len(original) / (PIECE_S * SPEECH_RATE)))
        parts = zip(np.array_split(original, pieces), np.array_split(received, pieces), strict=True)
        scores = [score for score in (_of_piece(*part) for part in parts) if score is not None]
        return {"pesq": float(np.mean(scores)) if scores else float("nan")}


def _of_piece(original: NDArray[np.float32], received: NDArray[np.float32]) -> float | None:
    """The score of one piece; None where the reference has nothing to score."""
    from pesq import BufferTooShortError, NoUtterancesError, pesq

    if not original.any():
        return None
    try:
        if not received.any():
            pesq(SPEECH_RATE, original, original, "wb")  # raises where the reference has no utterance
            return NOTHING_HEARD
        return float(pesq(SPEECH_RATE, original, received, "wb"))
    except (BufferTooShortError, NoUtterancesError):
        return None
