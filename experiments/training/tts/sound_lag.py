"""By how many frames lips are later than their sound: the mouth is open where the sound is loud."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.syncsc.face_model import LIPS_INNER
from lossweep.endpoints.tts.synthesizer import FRAME

MAX_LAG = 5
LEAST_POWER = 1e-5
CORNERS = 33, 263
"""The outer corners of the eyes."""


def mouth_opening(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Distance of the lips' inner edges over that of the eyes' outer corners, [frames], of landmarks [frames, 478, 3].

    The landmarks are MediaPipe's.
    """
    upper, lower = (points[:, i, :2] for i in LIPS_INNER)
    eyes = np.linalg.norm(points[:, CORNERS[0], :2] - points[:, CORNERS[1], :2], axis=1)
    return (np.linalg.norm(upper - lower, axis=1) / eyes).astype(np.float32)


def sound_lag(clips: Sequence[tuple[NDArray[np.floating], NDArray[np.float32]]]) -> int:
    """The lag, -5 to 5 frames, at which mouth opening and sound level correlate best on average over the clips.

    Positive where the lips are late. Measured on LRS3's clips, which are in sync, it is 0.

    Args:
        clips: mouth opening [frames], and speech [frames * 640], 16 kHz; at least 12 frames.
    """
    lags = range(-MAX_LAG, MAX_LAG + 1)
    found = np.zeros(len(lags))
    for opening, speech in clips:
        level = np.log(np.square(speech).reshape(-1, FRAME).mean(1) + LEAST_POWER)
        inner = slice(MAX_LAG, len(opening) - MAX_LAG)
        if opening[inner].std() > 0:
            found += [np.corrcoef(opening[inner], np.roll(level, k)[inner])[0, 1] for k in lags]
    return lags[int(found.argmax())]
