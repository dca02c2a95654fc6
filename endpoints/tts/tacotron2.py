"""The baseline Tacotron 2: the words in the talker's voice, frame after frame."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.endpoints.clip import SPEECH_RATE, Word
from lossweep.endpoints.tts import vocoder
from lossweep.endpoints.tts.f0 import hertz, set_to
from lossweep.endpoints.tts.inputs import scaled, unscaled
from lossweep.endpoints.tts.phrases import timeline
from lossweep.endpoints.tts.spectrum import HOP, mel
from lossweep.endpoints.tts.synthesizer import LISTENED_S, TRAINER, checked_voice, digests
from lossweep.endpoints.tts.tacotron2_network import AT_ONCE, Tacotron2Network
from lossweep.endpoints.tts.vocoder import AnyVocoder
from lossweep.endpoints.weights import load

SHIPPED = Path(__file__).parent / "model" / "tacotron2.safetensors"


class Tacotron2:
    """Speaks each phrase from its first word's start, attending to one phoneme after the other (Shen et al. 2018)."""

    label = "tacotron2"
    title = "Tacotron 2"
    follows_lips = False

    def __init__(self, network: Tacotron2Network, sounds: AnyVocoder, device: str = "cpu") -> None:
        self.network, self.vocoder, self.device = network.to(device).eval(), sounds, device

    @classmethod
    def load(cls, device: str = "cpu", sounds: str = "own") -> Tacotron2:
        """See `Synthesizer`."""
        return cls(_network(SHIPPED), vocoder.vocoder(sounds, device), device)

    def speak(
        self, words: Sequence[Word], lips: NDArray[np.float32] | None, frames: int, voice: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """See `Synthesizer`; the lips are not looked at, lost words are left out."""
        voice, level = checked_voice(voice)
        reference = scaled(mel(torch.from_numpy(voice[: LISTENED_S * SPEECH_RATE])))[None]

        def say(row: dict[str, Tensor]) -> tuple[Tensor, int]:
            mels, pitch, lead = self.spectrogram(row, reference)
            return self.vocoder.wave(mels, pitch) * level, lead * HOP

        return timeline(words, frames, say).clamp(-1, 1).numpy()

    @torch.inference_mode()
    def spectrogram(self, row: dict[str, Tensor], reference: Tensor) -> tuple[Tensor, Tensor, int]:
        """Mel spectrogram [80, frames], pitch [frames] in Hz and mel frames of pause before the first phoneme.

        Args:
            row: see `phrases.sequence`.
            reference: mel spectrogram of the voice [1, 80, any] in the network's scale.
        """
        given = {name: value.to(self.device) for name, value in (row | {"voice": reference}).items()}
        drawn = self.network(given)
        told = set_to(None, drawn["told"][0].cpu())
        began = drawn["shares"][0].argmax(1) > 0
        lead = int(began.int().argmax()) * AT_ONCE if bool(began.any()) else 0
        return unscaled(drawn["mel"][0].cpu()), hertz(told), lead

    @classmethod
    def weights(cls) -> dict[str, str]:
        """See `Synthesizer`."""
        return digests(SHIPPED, vocoder.SHIPPED)


@lru_cache(maxsize=2)
def _network(path: Path) -> Tacotron2Network:
    return load(path, "tacotron2", Tacotron2Network(), TRAINER)
