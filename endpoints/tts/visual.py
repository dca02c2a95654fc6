"""Speech guided by the received lips."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lossweep.endpoints.clip import SPEECH_RATE, Word
from lossweep.endpoints.tts import vocoder
from lossweep.endpoints.tts.f0 import hertz, register, set_to
from lossweep.endpoints.tts.inputs import WINDOW, given, joined, scaled, starts, unscaled
from lossweep.endpoints.tts.phonemes import spelled
from lossweep.endpoints.tts.spectrum import mel
from lossweep.endpoints.tts.synthesizer import FPS, LISTENED_S, MELS, TRAINER, checked_voice, digests
from lossweep.endpoints.tts.viseme_regression import moving
from lossweep.endpoints.tts.visual_network import LIPS, VisualNetwork
from lossweep.endpoints.tts.vocoder import AnyVocoder
from lossweep.endpoints.weights import load

SHIPPED = Path(__file__).parent / "model" / "visual.safetensors"
AT_ONCE = 8
"""Windows in one pass of the network."""


class Visual:
    """Speaks the whole timeline with the lips as query and the phonemes as key and value (SyncSC, Section III-D)."""

    label = "visual"
    title = "visual-guided voice"
    follows_lips = True

    def __init__(self, network: VisualNetwork, vocoder: AnyVocoder, device: str = "cpu") -> None:
        self.network, self.vocoder, self.device = network.to(device).eval(), vocoder, device

    @classmethod
    def load(cls, device: str = "cpu", sounds: str = "own") -> Visual:
        """See `Synthesizer`."""
        return cls(_network(SHIPPED), vocoder.vocoder(sounds, device), device)

    def speak(
        self, words: Sequence[Word], lips: NDArray[np.float32] | None, frames: int, voice: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """See `Synthesizer`. Where a word was lost, and where nothing is said, it is quiet."""
        voice, level = checked_voice(voice)
        mels, hertz = self.spectrogram(words, lips, frames, voice)
        sound = self.vocoder.wave(mels, hertz)
        return (sound * level).clamp(-1, 1).numpy()

    @torch.inference_mode()
    def spectrogram(
        self, words: Sequence[Word], lips: NDArray[np.float32] | None, frames: int, voice: NDArray[np.float32]
    ) -> tuple[Tensor, Tensor]:
        """Mel spectrogram [80, 4 frames] and pitch [4 frames] in Hz, 0 without voice; see `speak`.

        The pitch that the network foretells is moved to the voice's own register, and the spectrogram drawn with it.

        Args:
            voice: at the common loudness, as `checked_voice` gives it.
        """
        phonemes = spelled(words)
        shown = np.zeros((frames, LIPS), np.float32) if lips is None else moving(lips[:frames, :LIPS])
        shown = np.pad(shown, ((0, max(frames, WINDOW) - len(shown)), (0, 0)), mode="edge")
        known = np.full(WINDOW, float(lips is not None), np.float32)
        reference = scaled(mel(torch.from_numpy(voice[: LISTENED_S * SPEECH_RATE])))[None]
        firsts = starts(frames)
        windows = [
            [p._replace(start_s=p.start_s - f / FPS, end_s=p.end_s - f / FPS) for p in phonemes]
            for f in firsts
        ]
        seen = np.stack([shown[f : f + WINDOW] for f in firsts])
        inputs = given(windows, seen, np.stack([known] * len(firsts)), reference.expand(len(firsts), -1, -1))
        told = set_to(register(voice), joined(self._drawn(inputs)[1], frames))
        there = nn.functional.pad(told, (0, max(0, WINDOW - frames) * MELS), mode="replicate")
        true = torch.stack([there[:, f * MELS : (f + WINDOW) * MELS] for f in firsts])
        return unscaled(joined(self._drawn(inputs, true)[0], frames)), hertz(told)

    def _drawn(self, inputs: dict[str, Tensor], true: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The network's answer, a few windows at a time."""
        parts = []
        for at in range(0, len(inputs["lips"]), AT_ONCE):
            some = {name: value[at : at + AT_ONCE].to(self.device) for name, value in inputs.items()}
            parts.append(
                self.network(some, None if true is None else true[at : at + AT_ONCE].to(self.device))
            )
        mels, told = zip(*parts, strict=True)
        return torch.cat(mels).cpu(), torch.cat(told).cpu()

    @classmethod
    def weights(cls) -> dict[str, str]:
        """See `Synthesizer`."""
        return digests(SHIPPED, vocoder.SHIPPED)


@lru_cache(maxsize=2)
def _network(path: Path) -> VisualNetwork:
    return load(path, "visual", VisualNetwork(), TRAINER)
