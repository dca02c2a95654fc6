"""Mel spectrogram and mel cepstrum of speech."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.clip import SPEECH_RATE

WINDOW, HOP, BANDS = 1024, 256, 80
"""64 ms, 16 ms; as text-to-speech has them, scaled to 16 kHz."""
CEPSTRUM = 13
AT_ONCE = 256
"""Frames that are transformed together, so that memory does not grow with the speech."""
RANGE_DB = 80.0
SILENCE_DB = -100.0
"""Amplitude that counts as nothing, whatever the range."""


def mel_power(
    speech: NDArray[np.float32], window: int = WINDOW, hop: int = HOP, bands: int = BANDS
) -> NDArray[np.float64]:
    """Mel power spectrogram: Slaney's mel scale, triangles of equal area, periodic Hann window.

    Equal to librosa's. `transformers.audio_utils` is not used: its filters are wrong for an odd window, such as the 321
    samples of DNSMOS, and its spectra are of single precision.

    Args:
        speech: float32 [samples], 16 kHz; zeros are put on both sides, so that frame i is centred at i hop.
        window, hop: samples.
        bands: from 0 to 8 kHz.
    Returns:
        float64 [1 + samples // hop, bands].
    """
    padded = np.pad(np.asarray(speech, np.float64), window // 2)
    count = 1 + (len(padded) - window) // hop
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop][:count]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    filters = _filters(window, bands).T
    out = np.empty((count, bands))
    for first in range(0, count, AT_ONCE):
        part = slice(first, first + AT_ONCE)
        out[part] = np.abs(np.fft.rfft(frames[part] * hann, axis=1)) ** 2 @ filters
    return out


def log_mel(speech: NDArray[np.float32], reference: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mel spectrogram in dB of amplitude, with a floor 80 dB below the loudest band of the reference.

    Without a floor that near, bands which a codec leaves empty would outweigh all that can be heard, and
    silence would be nearer to speech than its own band-limited copy.

    Returns:
        float64 [1 + samples // 256, 80].
    """
    least = 10 ** (SILENCE_DB / 10)
    floor = max(mel_power(reference).max(initial=0) * 10 ** (-RANGE_DB / 10), least)
    return 10 * np.log10(np.maximum(mel_power(speech), floor))


def cepstrum(log_spectrum_db: NDArray[np.float64], count: int = CEPSTRUM) -> NDArray[np.float64]:
    """Mel-frequency cepstral coefficients c_1 to c_count; the level, c_0, is left out.

    Scaled as the mel cepstrum is: ln A_k = c_0 + sum_n c_n cos(pi n (k + 1/2) / K) over the bands k.

    Args:
        log_spectrum_db: float64 [frames, bands], dB of amplitude.
    Returns:
        float64 [frames, count].
    Source: Davis and Mermelstein 1980; scale as in Kubichek 1993.
    """
    bands = log_spectrum_db.shape[1]
    phase = np.pi * np.outer(np.arange(1, count + 1), np.arange(bands) + 0.5) / bands
    return log_spectrum_db * (np.log(10) / 20) @ np.cos(phase).T * 2 / bands


@lru_cache(maxsize=4)
def _filters(window: int, bands: int) -> NDArray[np.float64]:
    edges = _hertz(np.linspace(0, _mel(SPEECH_RATE / 2), bands + 2))
    bins = np.arange(window // 2 + 1) * SPEECH_RATE / window
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return triangles * (2 / (edges[2:] - edges[:-2]))[:, None]


def _mel(hertz: float) -> float:
    """Slaney's scale: 15 mel a kHz up to 1 kHz, then 27 a factor of 6.4."""
    return 15 * hertz / 1000 if hertz < 1000 else 15 + 27 * np.log(hertz / 1000) / np.log(6.4)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15, mel * 1000 / 15, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))
