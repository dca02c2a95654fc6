"""The baseline FastSpeech 2: the words in the talker's voice, at its own pace."""

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
from lossweep.endpoints.tts.f0 import hertz, register, set_to
from lossweep.endpoints.tts.fastspeech2_network import FastSpeech2Network, frames_of
from lossweep.endpoints.tts.inputs import scaled, unscaled
from lossweep.endpoints.tts.phrases import timeline
from lossweep.endpoints.tts.spectrum import HOP, mel
from lossweep.endpoints.tts.synthesizer import LISTENED_S, TRAINER, checked_voice, digests
from lossweep.endpoints.tts.vocoder import AnyVocoder
from lossweep.endpoints.weights import load

SHIPPED = Path(__file__).parent / "model" / "fastspeech2.safetensors"


class FastSpeech2:
    """Speaks each phrase from its first word's start with durations of its own (Ren et al. 2021)."""

    label = "fastspeech2"
    title = "FastSpeech 2"
    follows_lips = False

    def __init__(self, network: FastSpeech2Network, sounds: AnyVocoder, device: str = "cpu") -> None:
        self.network, self.vocoder, self.device = network.to(device).eval(), sounds, device

    @classmethod
    def load(cls, device: str = "cpu", sounds: str = "own") -> FastSpeech2:
        """See `Synthesizer`."""
        return cls(_network(SHIPPED), vocoder.vocoder(sounds, device), device)

    def speak(
        self, words: Sequence[Word], lips: NDArray[np.float32] | None, frames: int, voice: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """See `Synthesizer`; the lips are not looked at, lost words are left out."""
        voice, level = checked_voice(voice)
        height = register(voice)
        reference = scaled(mel(torch.from_numpy(voice[: LISTENED_S * SPEECH_RATE])))[None]

        def say(row: dict[str, Tensor]) -> tuple[Tensor, int]:
            mels, pitch, lead = self.spectrogram(row, reference, height)
            return self.vocoder.wave(mels, pitch) * level, lead * HOP

        return timeline(words, frames, say).clamp(-1, 1).numpy()

    @torch.inference_mode()
    def spectrogram(
        self, row: dict[str, Tensor], reference: Tensor, height: float | None
    ) -> tuple[Tensor, Tensor, int]:
        """Mel spectrogram [80, frames], pitch [frames] in Hz and mel frames of pause before the first phoneme.

        Args:
            row: see `phrases.sequence`.
            reference: mel spectrogram of the voice [1, 80, any] in the network's scale.
            height: its register in Hz, if it has one.
        """
        given = {name: value.to(self.device) for name, value in (row | {"voice": reference}).items()}
        _, told, logs = self.network(given)
        lengths = frames_of(logs)
        told = set_to(height, told)
        mels, _, _ = self.network(given, lengths, told)
        return unscaled(mels[0].cpu()), hertz(told[0].cpu()), int(lengths[0, 0])

    @classmethod
    def weights(cls) -> dict[str, str]:
        """See `Synthesizer`."""
        return digests(SHIPPED, vocoder.SHIPPED)


@lru_cache(maxsize=2)
def _network(path: Path) -> FastSpeech2Network:
    return load(path, "fastspeech2", FastSpeech2Network(), TRAINER)
