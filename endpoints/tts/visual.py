"""Speech guided by the received lips."""

from __future__ import annotations

import math
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
    VOCODER_S,
    file_hashes,
    normalize_voice,
)
from lossweep.endpoints.tts.viseme_regression import detrend
from lossweep.endpoints.tts.visual_network import LIPS, VisualNetwork
from lossweep.endpoints.tts.vocoder import SHIPPED as VOCODER_WEIGHTS
from lossweep.endpoints.tts.vocoder import Vocoder, load_vocoder
from lossweep.endpoints.weights import load

SHIPPED = Path(__file__).parent / "model" / "visual.safetensors"
STEP = 5
"""Video frames that live synthesis computes at a time."""
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
        self,
        words: Sequence[Word],
        lips: NDArray[np.float32] | None,
        frames: int,
        voice: NDArray[np.float32],
        look_ahead_s: float = math.inf,
    ) -> NDArray[np.float32]:
        """See `Synthesizer`. It is quiet where a word was lost and between words."""
        voice, level = normalize_voice(voice)
        if math.isinf(look_ahead_s):
            mels, f0_hz = self.spectrogram(words, lips, frames, voice)
        else:
            later = math.floor((look_ahead_s - VOCODER_S) * FPS + 1e-9)
            mels, f0_hz = self.live_spectrogram(words, lips, frames, voice, later)
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

    @torch.inference_mode()
    def live_spectrogram(
        self,
        words: Sequence[Word],
        lips: NDArray[np.float32] | None,
        frames: int,
        voice: NDArray[np.float32],
        later: int,
    ) -> tuple[Tensor, Tensor]:
        """As `spectrogram`, computed while words and lips arrive: no mel frame depends on what is `later` frames later.

        Every `STEP` frames one window of 3 s is computed that ends with what is known, and its newest steps are kept.

        Args:
            later: video frames, at least `STEP`.
        """
        ends = [first + later for first in range(0, frames, STEP)]
        windows = []
        for end in ends:
            known = [word for word in words if word.start_s * FPS < end]
            begin_s = (end - WINDOW) / FPS
            windows.append(
                [
                    p._replace(start_s=p.start_s - begin_s, end_s=p.end_s - begin_s)
                    for p in to_phonemes(known)
                    if p.end_s > begin_s
                ]
            )
        seen = np.stack([_seen(lips, end, frames) for end in ends])
        reference = normalize_mel(mel(torch.from_numpy(voice[: LONGEST_REFERENCE_S * SPEECH_RATE])))[None]
        given = np.full((len(ends), WINDOW), float(lips is not None), np.float32)
        inputs = visual_inputs(windows, seen, given, reference.expand(len(ends), -1, -1))
        predicted, f0_hz = self._run(inputs)[1], median_f0(voice)
        newest = slice((WINDOW - later) * MELS, (WINDOW - later + STEP) * MELS)
        shifted, heard = [], predicted.new_zeros(predicted.shape[1], 0)
        for window in predicted:
            joined = shift_f0(f0_hz, torch.cat([heard, window], 1))
            shifted.append(joined[:, heard.shape[1] :])
            heard = torch.cat([heard, window[:, newest]], 1)
        prosody = torch.stack(shifted)
        drawn = self._run(inputs, prosody)[0]
        mels, kept = (
            torch.cat(list(windows[:, :, newest]), 1)[:, : frames * MELS] for windows in (drawn, prosody)
        )
        return denormalize_mel(mels), to_hertz(kept)

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


def _seen(lips: NDArray[np.float32] | None, end: int, frames: int) -> NDArray[np.float32]:
    """The lips of the window of 3 s before frame `end`; the first and the last known ones are held."""
    if lips is None:
        return np.zeros((WINDOW, LIPS), np.float32)
    at = np.clip(np.arange(end - WINDOW, end), 0, min(end, frames, len(lips)) - 1)
    return detrend(lips[at, :LIPS])


@lru_cache(maxsize=2)
def _network(path: Path) -> VisualNetwork:
    return load(path, "visual", VisualNetwork(), TRAINER)
