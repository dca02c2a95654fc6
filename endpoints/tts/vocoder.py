"""Vocoders, from mel spectrogram and pitch to speech: the one that ships, and published HiFi-GAN checkpoints."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from lossweep.endpoints.tts.harmonic_network import HarmonicNetwork, excite
from lossweep.endpoints.tts.spectrum import add_batch
from lossweep.endpoints.tts.synthesizer import TRAINER
from lossweep.endpoints.weights import load, sha256

SHIPPED = Path(__file__).parent / "model" / "vocoder.safetensors"
SEED = 1


class Vocoder(Protocol):
    """From a mel spectrogram and pitch to speech.

    Attributes:
        label: for tables and plots.
    """

    label: str

    def wave(self, mel: Tensor, pitch_hz: Tensor) -> Tensor:
        """Speech [frames * 160] or [batch, frames * 160] in [-1, 1], 16 kHz. Equal inputs give equal speech.

        Args:
            mel: [80, frames] or [batch, 80, frames], see `spectrum.mel`.
            pitch_hz: [frames] or [batch, frames], see `pitch.pitch`; 0 where unvoiced.
        Raises:
            ValueError: the shapes do not match.
        """
        ...

    def weights(self) -> dict[str, str]:
        """File name -> SHA-256 of the weights that are read."""
        ...


def load_vocoder(name: str, device: str = "cpu") -> Vocoder:
    """The vocoder that ships ("own"), or the published HiFi-GAN checkpoint in a folder of that name.

    Raises:
        WeightsError: weights are missing, broken or made for other spectrograms.
    """
    if name == HarmonicVocoder.label:
        return HarmonicVocoder.load(device)
    from lossweep.endpoints.tts.hifigan import HifiGan

    return HifiGan.load(Path(name), device)


class HarmonicVocoder:
    """Pulses at the pitch and noise through filters that a small network predicts; see `HarmonicNetwork`."""

    label = "own"

    def __init__(self, network: HarmonicNetwork, device: str = "cpu") -> None:
        self.network, self.device = network.to(device).eval(), device

    @classmethod
    def load(cls, device: str = "cpu") -> HarmonicVocoder:
        """The vocoder with the weights that ship.

        Raises:
            WeightsError: weights are missing or broken.
        """
        return cls(_network(SHIPPED), device)

    @torch.inference_mode()
    def wave(self, mel: Tensor, pitch_hz: Tensor) -> Tensor:
        """See `HarmonicVocoder.wave`."""
        mels, pitch = add_batch(mel, pitch_hz)
        mels, pitch = mels.to(self.device), pitch.to(self.device)
        speech = self.network.wave(mels, pitch, excite(pitch, torch.Generator().manual_seed(SEED)))
        return speech.clamp(-1, 1).reshape(*mel.shape[:-2], -1).to(mel.device)

    def weights(self) -> dict[str, str]:
        """See `HarmonicVocoder.weights`."""
        return sha256(SHIPPED)


@lru_cache(maxsize=2)
def _network(path: Path) -> HarmonicNetwork:
    return load(path, "vocoder", HarmonicNetwork(), TRAINER)
