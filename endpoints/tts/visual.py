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
from lossweep.endpoints.tts.f0 import median_f0, shift_f0, to_hertz
from lossweep.endpoints.tts.inputs import (
    WINDOW,
    VisualInputs,
    denormalize_mel,
    normalize_mel,
    overlap_add,
    visual_inputs,
    window_starts,
)
from lossweep.endpoints.tts.phonemes import to_phonemes
from lossweep.endpoints.tts.spectrum import mel
from lossweep.endpoints.tts.synthesizer import (
    FPS,
    LONGEST_REFERENCE_S,
    MELS,
    TRAINER,
    file_hashes,
    normalize_voice,
)
from lossweep.endpoints.tts.viseme_regression import detrend
from lossweep.endpoints.tts.visual_network import LIPS, VisualNetwork
from lossweep.endpoints.tts.vocoder import SHIPPED as VOCODER_WEIGHTS
from lossweep.endpoints.tts.vocoder import Vocoder, load_vocoder
from lossweep.endpoints.weights import load

SHIPPED = Path(__file__).parent / "model" / "visual.safetensors"
BATCH = 8
"""Windows in one pass of the network."""


class Visual:
    """Speaks the whole timeline with the lips as query and the phonemes as key and value (SyncSC, Section III-D)."""

    label = "visual"
    title = "visual-guided voice"
    follows_lips = True

    def __init__(self, network: VisualNetwork, vocoder: Vocoder, device: str = "cpu") -> None:
        self.network, self.vocoder, self.device = network.to(device).eval(), vocoder, device

    @classmethod
    def load(cls, device: str = "cpu", vocoder: str = "own") -> Visual:
        """See `Synthesizer`."""
        return cls(_network(SHIPPED), load_vocoder(vocoder, device), device)

    def speak(
        self, words: Sequence[Word], lips: NDArray[np.float32] | None, frames: int, voice: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """See `Synthesizer`. It is quiet where a word was lost and between words."""
        voice, level = normalize_voice(voice)
        mels, f0_hz = self.spectrogram(words, lips, frames, voice)
        sound = self.vocoder.wave(mels, f0_hz)
        return (sound * level).clamp(-1, 1).numpy()

    @torch.inference_mode()
    def spectrogram(
        self, words: Sequence[Word], lips: NDArray[np.float32] | None, frames: int, voice: NDArray[np.float32]
    ) -> tuple[Tensor, Tensor]:
        """Mel spectrogram [80, 4 frames] and pitch [4 frames] in Hz, 0 without voice; see `speak`.

        The predicted pitch is shifted to the voice's median F0, and the spectrogram is computed with it.

        Args:
            voice: at the common loudness, as `normalize_voice` gives it.
        """
        phonemes = to_phonemes(words)
        shown = np.zeros((frames, LIPS), np.float32) if lips is None else detrend(lips[:frames, :LIPS])
        shown = np.pad(shown, ((0, max(frames, WINDOW) - len(shown)), (0, 0)), mode="edge")
        known = np.full(WINDOW, float(lips is not None), np.float32)
        reference = normalize_mel(mel(torch.from_numpy(voice[: LONGEST_REFERENCE_S * SPEECH_RATE])))[None]
        firsts = window_starts(frames)
        windows = [
            [p._replace(start_s=p.start_s - f / FPS, end_s=p.end_s - f / FPS) for p in phonemes]
            for f in firsts
        ]
        seen = np.stack([shown[f : f + WINDOW] for f in firsts])
        inputs = visual_inputs(
            windows, seen, np.stack([known] * len(firsts)), reference.expand(len(firsts), -1, -1)
        )
        prosody = shift_f0(median_f0(voice), overlap_add(self._run(inputs)[1], frames))
        padded = nn.functional.pad(prosody, (0, max(0, WINDOW - frames) * MELS), mode="replicate")
        of_windows = torch.stack([padded[:, f * MELS : (f + WINDOW) * MELS] for f in firsts])
        return denormalize_mel(overlap_add(self._run(inputs, of_windows)[0], frames)), to_hertz(prosody)

    def _run(self, inputs: VisualInputs, prosody: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The network's output, computed in batches of windows."""
        parts = []
        for first in range(0, len(inputs.lips), BATCH):
            part = slice(first, first + BATCH)
            given = None if prosody is None else prosody[part].to(self.device)
            parts.append(self.network(inputs.rows(part).to(self.device), given))
        mels, predicted = zip(*parts, strict=True)
        return torch.cat(mels).cpu(), torch.cat(predicted).cpu()

    @classmethod
    def weights(cls) -> dict[str, str]:
        """See `Synthesizer`."""
        return file_hashes(SHIPPED, VOCODER_WEIGHTS)


@lru_cache(maxsize=2)
def _network(path: Path) -> VisualNetwork:
    return load(path, "visual", VisualNetwork(), TRAINER)
