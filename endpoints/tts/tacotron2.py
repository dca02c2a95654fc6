"""The baseline Tacotron 2: the words in the talker's voice, autoregressively."""

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
from lossweep.endpoints.tts.f0 import shift_f0, to_hertz
from lossweep.endpoints.tts.inputs import PhonemeInputs, denormalize_mel, normalize_mel
from lossweep.endpoints.tts.phrases import speak_phrases
from lossweep.endpoints.tts.spectrum import HOP, mel
from lossweep.endpoints.tts.synthesizer import LONGEST_REFERENCE_S, TRAINER, file_hashes, normalize_voice
from lossweep.endpoints.tts.tacotron2_network import FRAMES_PER_STEP, Tacotron2Network
from lossweep.endpoints.tts.vocoder import SHIPPED as VOCODER_WEIGHTS
from lossweep.endpoints.tts.vocoder import Vocoder, load_vocoder
from lossweep.endpoints.weights import load

SHIPPED = Path(__file__).parent / "model" / "tacotron2.safetensors"


class Tacotron2:
    """Speaks each phrase from its first word's start, attending to one phoneme after the other (Shen et al. 2018)."""

    label = "tacotron2"
    title = "Tacotron 2"
    follows_lips = False

    def __init__(self, network: Tacotron2Network, vocoder: Vocoder, device: str = "cpu") -> None:
        self.network, self.vocoder, self.device = network.to(device).eval(), vocoder, device

    @classmethod
    def load(cls, device: str = "cpu", vocoder: str = "own") -> Tacotron2:
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
        reference = normalize_mel(mel(torch.from_numpy(voice[: LONGEST_REFERENCE_S * SPEECH_RATE])))[None]

        def synthesize(inputs: PhonemeInputs) -> tuple[Tensor, int]:
            mels, pitch, lead = self.spectrogram(inputs)
            return self.vocoder.wave(mels, pitch) * level, lead * HOP

        return speak_phrases(words, frames, reference, synthesize, look_ahead_s).clamp(-1, 1).numpy()

    @torch.inference_mode()
    def spectrogram(self, inputs: PhonemeInputs) -> tuple[Tensor, Tensor, int]:
        """Mel spectrogram [80, frames], pitch [frames] in Hz and mel frames of pause before the first phoneme.

        Args:
            inputs: a batch of one.
        """
        output = self.network(inputs.to(self.device))
        prosody = shift_f0(None, output.predicted[0].cpu())
        began = output.attention[0].argmax(1) > 0
        lead = int(began.int().argmax()) * FRAMES_PER_STEP if bool(began.any()) else 0
        return denormalize_mel(output.mel[0].cpu()), to_hertz(prosody), lead

    @classmethod
    def weights(cls) -> dict[str, str]:
        """See `Synthesizer`."""
        return file_hashes(SHIPPED, VOCODER_WEIGHTS)


@lru_cache(maxsize=2)
def _network(path: Path) -> Tacotron2Network:
    return load(path, "tacotron2", Tacotron2Network(), TRAINER)
