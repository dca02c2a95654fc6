"""Pitch of speech, by Praat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import MissingPackage
from lossweep.endpoints.clip import SPEECH_RATE
from lossweep.endpoints.tts.spectrum import HOP

LOWEST, HIGHEST = 65.0, 450.0


def pitch(speech: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fundamental frequency in Hz, 0 where unvoiced, at the middle of each mel frame.

    Args:
        speech: float32 [samples], 16 kHz.
    Returns:
        float32 [samples // 160], 0 or 65 to 450.
    Raises:
        MissingPackage: praat-parselmouth is not installed.
    Source: Boersma 1993, Praat's `To Pitch`.
    """
    try:
        import parselmouth
    except ImportError:
        raise MissingPackage("pitch is tracked by Praat: pip install praat-parselmouth") from None
    frames = len(speech) // HOP
    step = HOP / SPEECH_RATE
    sound = parselmouth.Sound(speech.astype(np.float64), SPEECH_RATE)
    if sound.duration < 3.1 / LOWEST:
        return np.zeros(frames, np.float32)
    track = sound.to_pitch(step, LOWEST, HIGHEST)
    nearest = np.round((np.arange(frames) * step + step / 2 - track.xs()[0]) / step).astype(int)
    inside = (nearest >= 0) & (nearest < track.n_frames)
    hertz = track.selected_array["frequency"][np.clip(nearest, 0, track.n_frames - 1)]
    return np.where(inside, hertz, 0).astype(np.float32)
