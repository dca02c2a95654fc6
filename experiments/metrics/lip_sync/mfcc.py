"""Mel-frequency cepstral coefficients as the package python_speech_features computes them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from lossweep.endpoints.clip import SPEECH_RATE

COEFFICIENTS = 13
HOP, LENGTH, SPECTRUM = SPEECH_RATE // 100, SPEECH_RATE // 40, 512
FILTERS, LIFTER, PREEMPHASIS = 26, 22, 0.97
LEAST = np.finfo(float).eps


def mfcc(speech: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cepstra of 25 ms of 16-bit sound, one every 10 ms; the first of them the log energy.

    26 filters from 0 to 8 kHz, preemphasis 0.97, no window, lifter 22. A last frame that is not full is filled with
    zeros.

    Args:
        speech: float32 [samples] in [-1, 1], 16 kHz.
    Returns:
        float32 [1 + ceil((samples - 400) / 160), 13].
    Source: package python_speech_features 0.6 (James Lyons), `mfcc` with its defaults; SyncNet's input.
    """
    sound = np.asarray(speech, np.float64) * 32768
    sound = np.append(sound[:1], sound[1:] - PREEMPHASIS * sound[:-1])
    count = 1 + max(0, -(-(len(sound) - LENGTH) // HOP))
    sound = np.pad(sound, (0, max(0, (count - 1) * HOP + LENGTH - len(sound))))
    pieces = np.lib.stride_tricks.sliding_window_view(sound, LENGTH)[::HOP][:count]
    power = np.abs(np.fft.rfft(pieces, SPECTRUM)) ** 2 / SPECTRUM
    energy, bands = power.sum(1), power @ _filters().T
    cepstra = dct(np.log(np.where(bands == 0, LEAST, bands)), type=2, axis=1, norm="ortho")[:, :COEFFICIENTS]
    cepstra *= 1 + LIFTER / 2 * np.sin(np.pi * np.arange(COEFFICIENTS) / LIFTER)
    cepstra[:, 0] = np.log(np.where(energy == 0, LEAST, energy))
    return cepstra.astype(np.float32)


@lru_cache
def _filters() -> NDArray[np.float64]:
    """Triangles [26, 257] between bins, evenly spaced in mel."""
    top = 2595 * np.log10(1 + SPEECH_RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, FILTERS + 2) / 2595) - 1)
    bins = np.floor((SPECTRUM + 1) * edges / SPEECH_RATE)
    filters = np.zeros((FILTERS, SPECTRUM // 2 + 1))
    for i, (low, middle, high) in enumerate(zip(bins, bins[1:], bins[2:], strict=False)):
        for j in range(int(low), int(middle)):
            filters[i, j] = (j - low) / (middle - low)
        for j in range(int(middle), int(high)):
            filters[i, j] = (high - j) / (high - middle)
    return filters
