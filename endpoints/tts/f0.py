"""How high a voice is, without a pitch tracker."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.endpoints.clip import SPEECH_RATE
from lossweep.endpoints.tts.networks import OCTAVE, TONIC
from lossweep.endpoints.tts.pitch import HIGHEST, LOWEST

FRAME, STEP = 800, 320
CLEAR = 0.7
FIRST = 0.86
"""Of the peaks that come this near to the highest, the one at the shortest lag is the period."""
ENOUGH = 10


def register(voice: NDArray[np.float32]) -> float | None:
    """Median fundamental frequency in Hz; None where hardly anything is voiced.

    Frames of 50 ms; the period is where the autocorrelation, over that of the window, is highest between 65 and
    450 Hz; a frame counts where that is 0.7 or more.

    Args:
        voice: float32 [samples], 16 kHz.
    Source: the first steps of Boersma 1993.
    """
    frames = np.lib.stride_tricks.sliding_window_view(voice.astype(np.float64), FRAME)[::STEP]
    window = np.hanning(FRAME)
    frames = (frames - frames.mean(1, keepdims=True)) * window

    def correlated(x: NDArray) -> NDArray:
        power = np.abs(np.fft.rfft(x, 2 * FRAME)) ** 2
        return np.fft.irfft(power)[..., :FRAME]

    own, of_window = correlated(frames), correlated(window)
    loud = own[:, 0] > 0.05 * np.quantile(own[:, 0], 0.95)
    likeness = own[loud] / own[loud, :1] * (of_window[0] / np.maximum(of_window, 1e-3 * of_window[0]))
    lags = np.arange(int(SPEECH_RATE / HIGHEST), int(SPEECH_RATE / LOWEST) + 1)
    middle = likeness[:, lags]
    peak = (middle >= likeness[:, lags - 1]) & (middle >= likeness[:, lags + 1])
    best = np.where(peak, middle, 0).max(1, initial=0)
    chosen = (peak & (middle >= FIRST * best[:, None])).argmax(1)
    clear = best > CLEAR
    return float(SPEECH_RATE / np.median(lags[chosen[clear]])) if clear.sum() >= ENOUGH else None


def set_to(register_hz: float | None, told: Tensor) -> Tensor:
    """What was foretold, [..., 3, n] (pitch, voicing as a logit, energy), as a voice of that register has it.

    Its median pitch is moved there; voicing becomes 0 or 1, as `VarianceAdaptor` takes it.
    """
    pitch, voiced, energy = told.unbind(-2)
    voiced = voiced > 0
    if register_hz is not None and int(voiced.sum()) >= ENOUGH:
        pitch = pitch + (np.log(register_hz) - TONIC) / OCTAVE - pitch[voiced].median()
    return torch.stack([pitch, voiced.to(told.dtype), energy], -2)


def hertz(told: Tensor) -> Tensor:
    """Pitch in Hz, 0 without voice, of what `set_to` gives, [3, n]."""
    return torch.where(told[1] > 0.5, (told[0] * OCTAVE + TONIC).exp(), 0.0)
