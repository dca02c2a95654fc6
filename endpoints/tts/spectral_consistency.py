"""Sound brought nearer to the spectrogram it was made of."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from lossweep.endpoints.tts.spectrum import FFT, HOP, LEAST, WINDOW, bands_of, spectrum, window_of

MOST = 3.0
"""A band is raised or lowered at most by this, natural logarithm, in a round."""


def agreeing(speech: Tensor, mel: Tensor, trust: Tensor, rounds: int) -> Tensor:
    """Speech whose mel spectrum is nearer to `mel`; what is inside a band, and phases, stay as they are.

    Each round scales the short-time spectrum's bins by how far their bands are off, and makes sound of it again.

    Args:
        speech: [batch, frames * 160].
        mel: [batch, 80, frames].
        trust: [batch, 80, frames], 0 leaves a band, 1 mends all of it.
    Source: after Griffin and Lim 1984, from known phases, the multiplicative step that of Lee and Seung 2001.
    """
    bands = bands_of(str(speech.device))
    share = bands / bands.sum(0).clamp(min=LEAST)
    for _ in range(rounds):
        bins = spectrum(speech)
        off = (mel - (bands @ bins.abs()).clamp(min=LEAST).log()).clamp(-MOST, MOST)
        speech = sound(bins * (share.mT @ (trust * off)).exp())
    return speech


def sound(bins: Tensor) -> Tensor:
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
