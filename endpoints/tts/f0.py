"""Median fundamental frequency of a voice, and its shift in predicted prosody."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.endpoints.clip import SPEECH_RATE
from lossweep.endpoints.tts.networks import OCTAVE, TONIC
from lossweep.endpoints.tts.pitch import HIGHEST, LOWEST

FRAME, STEP = 800, 320
VOICED_CORRELATION = 0.7
PEAK_SHARE = 0.86
"""The period is the shortest lag whose peak is at least this share of the highest peak."""
FEWEST_VOICED = 10


def median_f0(voice: NDArray[np.float32]) -> float | None:
    """Median fundamental frequency in Hz; None where fewer than ten frames are voiced.

    Frames of 50 ms; the period is where the autocorrelation, over that of the window, is highest between 65 and
    450 Hz; a frame is voiced where that is above 0.7.

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
    chosen = (peak & (middle >= PEAK_SHARE * best[:, None])).argmax(1)
    clear = best > VOICED_CORRELATION
    return float(SPEECH_RATE / np.median(lags[chosen[clear]])) if clear.sum() >= FEWEST_VOICED else None


def shift_f0(f0_hz: float | None, predicted: Tensor) -> Tensor:
    """Predicted prosody [..., 3, n] (pitch, voicing as a logit, energy) shifted to a median F0.

    Voicing becomes 0 or 1, as `VarianceAdaptor` takes it. With None the pitch is not shifted.
    """
    pitch, voiced, energy = predicted.unbind(-2)
    voiced = voiced > 0
    if f0_hz is not None and int(voiced.sum()) >= FEWEST_VOICED:
        pitch = pitch + (np.log(f0_hz) - TONIC) / OCTAVE - pitch[voiced].median()
    return torch.stack([pitch, voiced.to(predicted.dtype), energy], -2)


def to_hertz(prosody: Tensor) -> Tensor:
    """Pitch in Hz, 0 where unvoiced, of the prosody that `shift_f0` returns, [3, n]."""
    return torch.where(prosody[1] > 0.5, (prosody[0] * OCTAVE + TONIC).exp(), 0.0)
