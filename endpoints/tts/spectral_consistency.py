"""Iterative spectral-consistency refinement of speech towards a mel spectrogram."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from lossweep.endpoints.tts.spectrum import FFT, HOP, LEAST, WINDOW, bands_of, spectrum, window_of

MAX_CHANGE = 3.0
"""Maximum change of a band in one round, natural logarithm."""


def refine_to_mel(speech: Tensor, mel: Tensor, trust: Tensor, rounds: int) -> Tensor:
    """Speech whose mel spectrum is nearer to `mel`; phases and the structure inside a band are kept.

    Each round scales the bins of the short-time spectrum by the error of their bands, and inverts the spectrum.

    Args:
        speech: [batch, frames * 160].
        mel: [batch, 80, frames].
        trust: [batch, 80, frames], share of a band's error that is corrected, 0 to 1.
    Source: Griffin and Lim 1984, with known phases and the multiplicative step of Lee and Seung 2001.
    """
    bands = bands_of(str(speech.device))
    share = bands / bands.sum(0).clamp(min=LEAST)
    for _ in range(rounds):
        bins = spectrum(speech)
        off = (mel - (bands @ bins.abs()).clamp(min=LEAST).log()).clamp(-MAX_CHANGE, MAX_CHANGE)
        speech = inverse_spectrum(bins * (share.mT @ (trust * off)).exp())
    return speech


def inverse_spectrum(bins: Tensor) -> Tensor:
    """The speech [batch, frames * 160] whose `spectrum` is nearest to `bins` [batch, 513, frames], least squares."""
    frames = bins.shape[-1]
    whole = (1, (frames - 1) * HOP + FFT)
    window = functional.pad(window_of(str(bins.device)), ((FFT - WINDOW) // 2,) * 2)
    pieces = torch.fft.irfft(bins.mT, FFT).mT * window[:, None]
    added = functional.fold(pieces, whole, (1, FFT), stride=(1, HOP))[:, 0, 0]
    weight = functional.fold(
        (window**2)[None, :, None].expand(1, -1, frames), whole, (1, FFT), stride=(1, HOP)
    )
    margin = (FFT - HOP) // 2
    return (added / weight[:, 0, 0].clamp(min=1e-3))[:, margin : margin + frames * HOP]
