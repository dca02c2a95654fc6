"""The network of the vocoder that ships: pulses and noise through two filters predicted every 10 ms."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from lossweep.endpoints.clip import SPEECH_RATE
from lossweep.endpoints.tts.spectral_consistency import refine_to_mel
from lossweep.endpoints.tts.spectrum import BANDS, FFT, HOP

WIDTH = 192
HIDDEN = 576
BLOCKS = 6
HARMONIC_ORDER = 224
NOISE_ORDER = 96
LOWEST_HZ, HIGHEST_HZ = 40.0, 500.0
ROUNDS = 2
"""Rounds of spectral-consistency refinement."""
CUTOFF = 0.92
"""Cutoff of a pulse, as a share of half the sample rate."""
HALF_PULSE = 16
"""Samples on each side of a pulse's centre; the shortest period is twice that (500 Hz)."""


class Filters(NamedTuple):
    """The output of the network.

    Attributes:
        pulses, noise: frequency responses, see `response`: complex64 [batch, frames + 2, 513].
        trust: [batch, 80, frames], 0 to 1, share of the bands' errors that refinement corrects.
    """

    pulses: Tensor
    noise: Tensor
    trust: Tensor


class Excitation(NamedTuple):
    """Inputs of the filters, both [batch, frames * 160], of about unit power where not 0.

    Attributes:
        pulses: one at the start of each period; 0 where speech is unvoiced.
        noise: white.
    """

    pulses: Tensor
    noise: Tensor


class HarmonicNetwork(nn.Module):
    """ConvNeXt blocks over mel frames and pitch predict the cepstra of two minimum-phase filters.

    One filter is applied to pulses at the pitch, the other to noise; the sum is the speech. The network predicts the
    difference from the cepstrum of the mel bands. Then the bands of the sound are corrected towards the given ones by
    a predicted share (large for measured spectrograms, small for smooth synthetic ones). 1.5 M parameters.

    Source: harmonics and noise through filters: Wang et al. 2019 (neural source-filter), Engel et al. 2020 (DDSP);
    frames of a network through one inverse Fourier transform: Kaneko et al. 2022 (iSTFTNet), Siuzdak 2023 (Vocos).
    """

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Conv1d(BANDS + 2, WIDTH, 7, padding=3)
        self.blocks = nn.ModuleList(Block() for _ in range(BLOCKS))
        self.norm = nn.LayerNorm(WIDTH)
        self.leave = nn.Linear(WIDTH, HARMONIC_ORDER + NOISE_ORDER)
        self.trust = nn.Linear(WIDTH, BANDS)
        nn.init.normal_(self.leave.weight, std=0.002)
        nn.init.zeros_(self.leave.bias)
        self.register_buffer("bands_to_cepstrum", bands_to_cepstrum(HARMONIC_ORDER), persistent=False)

    def forward(self, mel: Tensor, pitch_hz: Tensor) -> Filters:
        """The filters of each frame.

        Args:
            mel: [batch, 80, frames], as `spectrum.mel` gives it.
            pitch_hz: [batch, frames], 0 where unvoiced.
        """
        voiced = pitch_hz > 0
        height = torch.where(voiced, (pitch_hz.clamp(min=LOWEST_HZ) / 150).log(), 0.0)
        x = torch.cat([(mel + 5) / 2.5, torch.stack([2 * height, voiced.float()], 1)], 1)
        x = self.enter(x).mT
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        pulses, noise = self.leave(x).split((HARMONIC_ORDER, NOISE_ORDER), -1)
        cepstrum = mel.mT @ self.bands_to_cepstrum
        return Filters(
            response(cepstrum + pulses),
            response(cepstrum[..., :NOISE_ORDER] + noise),
            torch.sigmoid(self.trust(x)).mT,
        )

    def wave(self, mel: Tensor, pitch_hz: Tensor, excitation: Excitation) -> Tensor:
        """Speech [batch, frames * 160]; arguments as in `forward`."""
        filters = self(mel, pitch_hz)
        return refine_to_mel(shape(filters.pulses, filters.noise, excitation), mel, filters.trust, ROUNDS)


class Block(nn.Module):
    """A ConvNeXt block over time. Source: Liu et al. 2022."""

    def __init__(self) -> None:
        super().__init__()
        self.along = nn.Conv1d(WIDTH, WIDTH, 7, padding=3, groups=WIDTH)
        self.norm = nn.LayerNorm(WIDTH)
        self.widen = nn.Linear(WIDTH, HIDDEN)
        self.narrow = nn.Linear(HIDDEN, WIDTH)
        self.scale = nn.Parameter(torch.full((WIDTH,), 1 / BLOCKS))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.along(x.mT).mT)
        return x + self.scale * self.narrow(functional.gelu(self.widen(y)))


def excite(pitch_hz: Tensor, generator: torch.Generator, start: Tensor | None = None) -> Excitation:
    """Pulses at the pitch, with continuous phase, and noise.

    A pulse is a band-limited impulse: all harmonics of the pitch up to 7.4 kHz, in phase. Its amplitude is
    proportional to the square root of the period, so that all pitches have equal power.

    Args:
        pitch_hz: [batch, frames], 0 where unvoiced; clipped at 500 Hz.
        generator: of the noise.
        start: [batch], phase at the first sample in periods; None is 0.
    """
    batch, frames = pitch_hz.shape
    voiced = (pitch_hz > 0).to(pitch_hz.dtype)
    pitch = along_samples(_filled(pitch_hz).clamp(LOWEST_HZ, HIGHEST_HZ))
    passed = (pitch.double() / SPEECH_RATE).cumsum(-1)
    if start is not None:
        passed = passed + start[:, None]
    period = SPEECH_RATE / pitch
    off = (passed - passed.round()).to(pitch.dtype) * period
    window = 0.5 + 0.5 * (math.pi * off.clamp(-HALF_PULSE, HALF_PULSE) / HALF_PULSE).cos()
    pulses = CUTOFF * torch.sinc(CUTOFF * off) * window * period.sqrt()
    noise = torch.randn(batch, frames * HOP, generator=generator, device=generator.device)
    return Excitation(pulses * along_samples(voiced), noise.to(pitch_hz.device))


def shape(pulses: Tensor, noise: Tensor, excitation: Excitation) -> Tensor:
    """Filters the excitation frame by frame: windows of 20 ms, 10 ms apart, that sum to one.

    Args:
        pulses, noise: see `Filters`.
    Returns:
        [batch, frames * 160].
    """
    whole = sum(
        filters * torch.fft.rfft(_windows(sound), FFT)
        for filters, sound in zip((pulses, noise), excitation, strict=True)
    )
    frames = pulses.shape[1] - 2
    pieces = torch.fft.irfft(whole, FFT).mT
    ends = HOP * (frames + 1) + FFT
    added = functional.fold(pieces, (1, ends), (1, FFT), stride=(1, HOP))[:, 0, 0]
    return added[:, HOP + HOP // 2 :][:, : frames * HOP]


def response(cepstrum: Tensor) -> Tensor:
    """Minimum-phase frequency responses of causal cepstra [batch, frames, order]; first and last frame are repeated."""
    padded = torch.cat([cepstrum[:, :1], cepstrum, cepstrum[:, -1:]], 1)
    logarithm = torch.fft.rfft(padded, FFT)
    return torch.polar(logarithm.real.exp(), logarithm.imag)


def _windows(sound: Tensor) -> Tensor:
    margin = HOP + HOP // 2
    window = torch.hann_window(2 * HOP, device=sound.device)
    return functional.pad(sound, (margin, margin)).unfold(-1, 2 * HOP, HOP) * window


def along_samples(frames: Tensor) -> Tensor:
    """[batch, frames] to [batch, frames * 160], by linear interpolation between the frames' centres."""
    return functional.interpolate(frames[:, None], scale_factor=HOP, mode="linear", align_corners=False)[:, 0]


def _filled(pitch_hz: Tensor) -> Tensor:
    """Pitch of unvoiced frames: that of the last voiced frame before, or the first one."""
    at = torch.arange(pitch_hz.shape[-1], device=pitch_hz.device).expand_as(pitch_hz)
    last = torch.where(pitch_hz > 0, at, -1).cummax(-1).values
    first = (pitch_hz > 0).to(torch.int8).argmax(-1, keepdim=True)
    return pitch_hz.gather(-1, torch.where(last >= 0, last, first))


def bands_to_cepstrum(order: int) -> Tensor:
    """[80, order]: from log mel amplitudes to the causal cepstrum of a filter with that response."""
    from transformers.audio_utils import hertz_to_mel

    edges = torch.linspace(0, float(hertz_to_mel(SPEECH_RATE / 2, "slaney")), BANDS + 2)
    bins = torch.linspace(0, SPEECH_RATE / 2, FFT // 2 + 1).numpy()
    place = torch.tensor(hertz_to_mel(bins, "slaney"), dtype=torch.float32) / edges[1] - 1
    place = place.clamp(0, BANDS - 1)
    below = place.floor().long().clamp(max=BANDS - 2)
    share = (place - below)[:, None]
    rows = torch.eye(BANDS)
    even = torch.fft.irfft(((1 - share) * rows[below] + share * rows[below + 1]).mT, FFT)
    return torch.cat([even[:, :1], 2 * even[:, 1:order]], 1)
