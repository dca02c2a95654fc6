"""Speech guided by the received lips."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from endpoints.clip import SPEECH_RATE, Word
from endpoints.syncsc.speech import vocoder
from endpoints.syncsc.speech.networks import OCTAVE, TONIC
from endpoints.syncsc.speech.phonemes import spelled
from endpoints.syncsc.speech.spectrum import mel
from endpoints.syncsc.speech.synthesizer import FPS, LISTENED_S, TRAINER, checked_voice, digests
from endpoints.syncsc.speech.visemes import moving
from endpoints.syncsc.speech.visual_network import LIPS, VisualNetwork
from endpoints.syncsc.speech.vocoder import AnyVocoder, Vocoder
from endpoints.syncsc.speech.windows import WINDOW, given, joined, scaled, starts, unscaled
from endpoints.syncsc.stored import load

SHIPPED = Path(__file__).parent / "model" / "visual.safetensors"
AT_ONCE = 8
"""Windows in one pass of the network."""


class Visual:
    """Speaks the whole timeline with the lips as query and the phonemes as key and value (SyncSC, Section III-D)."""

    label = "visual"
    follows_lips = True

    def __init__(self, network: VisualNetwork, vocoder: AnyVocoder, device: str = "cpu") -> None:
        self.network, self.vocoder, self.device = network.to(device).eval(), vocoder, device

    @classmethod
    def load(cls, device: str = "cpu") -> Visual:
        """See `Synthesizer`."""
        return cls(_network(SHIPPED), Vocoder.load(device), device)

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

        Args:
            voice: at the common loudness, as `checked_voice` gives it.
        """
        phonemes = spelled(words)
        shown = np.zeros((frames, LIPS), np.float32) if lips is None else moving(lips[:frames, :LIPS])
        shown = np.pad(shown, ((0, max(frames, WINDOW) - len(shown)), (0, 0)), mode="edge")
        known = np.full(WINDOW, float(lips is not None), np.float32)
        reference = scaled(mel(torch.from_numpy(voice[: LISTENED_S * SPEECH_RATE])))[None]
        drawn, told = [], []
        firsts = starts(frames)
        for at in range(0, len(firsts), AT_ONCE):
            some = firsts[at : at + AT_ONCE]
            moved = [
                [p._replace(start_s=p.start_s - f / FPS, end_s=p.end_s - f / FPS) for p in phonemes]
                for f in some
            ]
            seen = np.stack([shown[f : f + WINDOW] for f in some])
            knows = np.stack([known] * len(some))
            inputs = given(moved, seen, knows, reference.expand(len(some), -1, -1))
            mels, others = self.network({name: value.to(self.device) for name, value in inputs.items()})
            drawn.append(mels)
            told.append(others)
        pitch, voiced, _ = joined(torch.cat(told), frames)
        hertz = torch.where(voiced > 0, (pitch * OCTAVE + TONIC).exp(), 0.0)
        return unscaled(joined(torch.cat(drawn), frames)), hertz

    @classmethod
    def weights(cls) -> dict[str, str]:
        """See `Synthesizer`."""
        return digests(SHIPPED, vocoder.SHIPPED)


@lru_cache(maxsize=2)
def _network(path: Path) -> VisualNetwork:
    return load(path, "visual", VisualNetwork(), TRAINER)
