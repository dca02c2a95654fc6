"""The baseline FastSpeech 2: the words in the talker's voice, with predicted durations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.endpoints.clip import SPEECH_RATE, Word
from lossweep.endpoints.tts.f0 import median_f0, shift_f0, to_hertz
from lossweep.endpoints.tts.fastspeech2_network import FastSpeech2Network, durations_to_frames
from lossweep.endpoints.tts.inputs import PhonemeInputs, denormalize_mel, normalize_mel
from lossweep.endpoints.tts.phrases import speak_phrases
from lossweep.endpoints.tts.spectrum import HOP, mel
from lossweep.endpoints.tts.synthesizer import LONGEST_REFERENCE_S, TRAINER, file_hashes, normalize_voice
from lossweep.endpoints.tts.vocoder import SHIPPED as VOCODER_WEIGHTS
from lossweep.endpoints.tts.vocoder import Vocoder, load_vocoder
from lossweep.endpoints.weights import load

SHIPPED = Path(__file__).parent / "model" / "fastspeech2.safetensors"


class FastSpeech2:
    """Speaks each phrase from its first word's start with predicted durations (Ren et al. 2021)."""

    label = "fastspeech2"
    title = "FastSpeech 2"
    follows_lips = False

    def __init__(self, network: FastSpeech2Network, vocoder: Vocoder, device: str = "cpu") -> None:
        self.network, self.vocoder, self.device = network.to(device).eval(), vocoder, device

    @classmethod
    def load(cls, device: str = "cpu", vocoder: str = "own") -> FastSpeech2:
        """See `Synthesizer`."""
        return cls(_network(SHIPPED), load_vocoder(vocoder, device), device)

    def speak(
        self,
        words: Sequence[Word],
        lips: NDArray[np.float32] | None,
        frames: int,
        voice: NDArray[np.float32],
        look_ahead_s: float = math.inf,
    ) -> NDArray[np.float32]:
        """See `Synthesizer`; the lips are not used, lost words are left out."""
        voice, level = normalize_voice(voice)
        f0_hz = median_f0(voice)
        reference = normalize_mel(mel(torch.from_numpy(voice[: LONGEST_REFERENCE_S * SPEECH_RATE])))[None]

        def synthesize(inputs: PhonemeInputs) -> tuple[Tensor, int]:
            mels, pitch, lead = self.spectrogram(inputs, f0_hz)
            return self.vocoder.wave(mels, pitch) * level, lead * HOP

        return speak_phrases(words, frames, reference, synthesize, look_ahead_s).clamp(-1, 1).numpy()

    @torch.inference_mode()
    def spectrogram(self, inputs: PhonemeInputs, f0_hz: float | None) -> tuple[Tensor, Tensor, int]:
        """Mel spectrogram [80, frames], pitch [frames] in Hz and mel frames of pause before the first phoneme.

        Args:
            inputs: a batch of one.
            f0_hz: median F0 of the voice, None if it is unvoiced.
        """
        inputs = inputs.to(self.device)
        _, predicted, log_durations = self.network(inputs)
        durations = durations_to_frames(log_durations)
        prosody = shift_f0(f0_hz, predicted)
        mels, _, _ = self.network(inputs, durations, prosody)
        return denormalize_mel(mels[0].cpu()), to_hertz(prosody[0].cpu()), int(durations[0, 0])

    @classmethod
    def weights(cls) -> dict[str, str]:
        """See `Synthesizer`."""
        return file_hashes(SHIPPED, VOCODER_WEIGHTS)


@lru_cache(maxsize=2)
def _network(path: Path) -> FastSpeech2Network:
    return load(path, "fastspeech2", FastSpeech2Network(), TRAINER)
