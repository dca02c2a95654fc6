"""The mel spectrogram between synthesizer and vocoder."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lossweep.endpoints.clip import SPEECH_RATE

if TYPE_CHECKING:
    from torch import Tensor

HOP = 160
"""10 ms: 16000 / 160 / 25 = 4 mel frames per video frame (the SyncSC paper, eq. 14)."""
FFT = 1024
WINDOW = 744
"""46.4 ms, as HiFi-GAN's 1024 samples at 22.05 kHz."""
BANDS = 80
LEAST = 1e-5
"""Smallest amplitude; its logarithm, -11.5, is the floor."""


def mel(speech: Tensor) -> Tensor:
    """Natural logarithm of the mel amplitude spectrogram, as in HiFi-GAN (Slaney's bands, 0 to 8 kHz).

    Args:
        speech: float32 [..., samples] in [-1, 1], 16 kHz.
    Returns:
        float32 [..., 80, samples // 160]; the window of frame i is centred on the middle of samples
        160 i to 160 i + 159.
    Source: Kong et al. 2020 (HiFi-GAN), reference implementation's `mel_spectrogram`.
    """
    amplitude = spectrum(speech).abs()
    bands = bands_of(str(speech.device)) @ amplitude
    return bands.clamp(min=LEAST).log()


def spectrum(speech: Tensor) -> Tensor:
    """Short-time spectrum, complex64 [..., 513, samples // 160]; see `mel` for the position of frames."""
    import torch

    count = speech.shape[-1] // HOP
    flat = speech.reshape(-1, speech.shape[-1])[:, : count * HOP]
    margin = (FFT - HOP) // 2
    padded = torch.nn.functional.pad(flat, (margin, margin))
    frames = torch.stft(
        padded, FFT, HOP, WINDOW, window_of(str(speech.device)), center=False, return_complex=True
    )
    return frames.reshape(*speech.shape[:-1], *frames.shape[-2:])


@lru_cache(maxsize=4)
def window_of(device: str) -> Tensor:
    """The window, [744]."""
    import torch

    return torch.hann_window(WINDOW, device=device)


@lru_cache(maxsize=4)
def bands_of(device: str) -> Tensor:
    """Weights of the bins in each band, [80, 513]."""
    import torch
    from transformers.audio_utils import mel_filter_bank

    bank = mel_filter_bank(
        FFT // 2 + 1, BANDS, 0.0, SPEECH_RATE / 2, SPEECH_RATE, norm="slaney", mel_scale="slaney"
    )
    return torch.from_numpy(np.ascontiguousarray(bank.T, np.float32)).to(device)


def add_batch(mel: Tensor, pitch_hz: Tensor) -> tuple[Tensor, Tensor]:
    """Both with a batch dimension, float32.

    Raises:
        ValueError: see `HarmonicVocoder.wave`.
    """
    if mel.shape[-2:-1] != (BANDS,) or mel.ndim > 3 or pitch_hz.shape != (*mel.shape[:-2], mel.shape[-1]):
        raise ValueError(
            f"mel {tuple(mel.shape)} and pitch {tuple(pitch_hz.shape)} must be "
            f"[{BANDS}, frames] and [frames], or both with a batch dimension"
        )
    frames = mel.shape[-1]
    return mel.reshape(-1, BANDS, frames).float(), pitch_hz.reshape(-1, frames).float()
