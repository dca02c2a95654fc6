"""From mel spectrogram and pitch to sound: the vocoder that ships, and a user's by the name of its folder."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from lossweep.endpoints.tts.harmonic_network import HarmonicNetwork, excite
from lossweep.endpoints.tts.spectrum import BANDS
from lossweep.endpoints.tts.synthesizer import TRAINER
from lossweep.endpoints.weights import load, sha256

SHIPPED = Path(__file__).parent / "model" / "vocoder.safetensors"
SEED = 1


class AnyVocoder(Protocol):
    """What makes sound of a mel spectrogram.

    Attributes:
        label: for tables and plots.
    """

    label: str

    def wave(self, mel: Tensor, pitch_hz: Tensor) -> Tensor:
        """Speech [frames * 160] or [batch, frames * 160] in [-1, 1], 16 kHz. Equal input, equal speech.

        Args:
            mel: [80, frames] or [batch, 80, frames], as `spectrum.mel` gives it.
            pitch_hz: [frames] or [batch, frames], as `pitch.pitch` gives it; 0 where unvoiced.
        Raises:
            ValueError: the shapes do not go together.
        """
        ...

    def weights(self) -> dict[str, str]:
        """File name -> SHA-256 of the weights that are read."""
        ...


def vocoder(name: str, device: str = "cpu") -> AnyVocoder:
    """The vocoder that ships ("own"), or the published HiFi-GAN checkpoint in a folder of that name.

    Raises:
        WeightsError: weights are missing, broken or made for other spectrograms.
    """
    if name == Vocoder.label:
        return Vocoder.load(device)
    from lossweep.endpoints.tts.hifigan import HifiGan

    return HifiGan.load(Path(name), device)


class Vocoder:
    """Pulses at the pitch and noise, through filters that a small network draws; see `HarmonicNetwork`."""

    label = "own"

    def __init__(self, network: HarmonicNetwork, device: str = "cpu") -> None:
        self.network, self.device = network.to(device).eval(), device

    @classmethod
    def load(cls, device: str = "cpu") -> Vocoder:
        """The trained one that ships.

        Raises:
            WeightsError: weights are missing or broken.
        """
        return cls(_network(SHIPPED), device)

    @torch.inference_mode()
    def wave(self, mel: Tensor, pitch_hz: Tensor) -> Tensor:
        """See `AnyVocoder.wave`."""
        mels, pitch = batched(mel, pitch_hz)
        mels, pitch = mels.to(self.device), pitch.to(self.device)
        speech = self.network.wave(mels, pitch, excite(pitch, torch.Generator().manual_seed(SEED)))
        return speech.clamp(-1, 1).reshape(*mel.shape[:-2], -1).to(mel.device)

    def weights(self) -> dict[str, str]:
        """See `AnyVocoder.weights`."""
        return sha256(SHIPPED)


def batched(mel: Tensor, pitch_hz: Tensor) -> tuple[Tensor, Tensor]:
    """Both with a batch in front, float32.

    Raises:
        ValueError: see `AnyVocoder.wave`.
    """
    if mel.shape[-2:-1] != (BANDS,) or mel.ndim > 3 or pitch_hz.shape != (*mel.shape[:-2], mel.shape[-1]):
        raise ValueError(
            f"mel {tuple(mel.shape)} and pitch {tuple(pitch_hz.shape)} must be "
            f"[{BANDS}, frames] and [frames], or both with a batch in front"
        )
    frames = mel.shape[-1]
    return mel.reshape(-1, BANDS, frames).float(), pitch_hz.reshape(-1, frames).float()


@lru_cache(maxsize=2)
def _network(path: Path) -> HarmonicNetwork:
    return load(path, "vocoder", HarmonicNetwork(), TRAINER)
