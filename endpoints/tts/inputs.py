"""Inputs of the synthesizers' networks, and the timeline in overlapping windows of three seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.endpoints.tts.networks import MIDDLE, SPREAD
from lossweep.endpoints.tts.phonemes import PHONEME_ID, SHORTEST_S, TimedPhoneme
from lossweep.endpoints.tts.synthesizer import FPS, MELS

WINDOW = 75
STRIDE = 50


def normalize_mel(mel: Tensor) -> Tensor:
    """A mel spectrogram in the networks' scale."""
    return (mel - MIDDLE) / SPREAD


def denormalize_mel(mel: Tensor) -> Tensor:
    """The inverse of `normalize_mel`."""
    return mel * SPREAD + MIDDLE


@dataclass(frozen=True)
class PhonemeInputs:
    """What the networks read of a batch of phoneme sequences.

    Attributes:
        names, stress: int64 [batch, n], see `phonemes.PHONEME_ID`; stress is 0 to 2.
        absent: bool [batch, n], True where a sequence has ended.
        voice: float32 [batch, 80, any], mel spectrogram of the voice reference in the networks' scale.
    """

    names: Tensor
    stress: Tensor
    absent: Tensor
    voice: Tensor

    def to(self, device: torch.device | str) -> Self:
        """The same on a device."""
        return replace(self, **{f.name: getattr(self, f.name).to(device) for f in fields(self)})

    def rows(self, part: slice) -> Self:
        """Some sequences of the batch."""
        return replace(self, **{f.name: getattr(self, f.name)[part] for f in fields(self)})


@dataclass(frozen=True)
class VisualInputs(PhonemeInputs):
    """What `VisualNetwork` reads of a batch of windows: phonemes, with pauses "" where no word is.

    Attributes:
        starts, ends: float32 [batch, n], times of the phonemes in seconds from the window's beginning.
        lips: float32 [batch, frames, 6].
        known: float32 [batch, frames], 0 where there are no lips.
    """

    starts: Tensor
    ends: Tensor
    lips: Tensor
    known: Tensor

    @property
    def pauses(self) -> Tensor:
        """bool [batch, n]."""
        return (self.names == PHONEME_ID[""]) & ~self.absent


def visual_inputs(
    phonemes: Sequence[Sequence[TimedPhoneme]],
    lips: NDArray[np.float32],
    known: NDArray[np.float32],
    voice: Tensor,
) -> VisualInputs:
    """The inputs of `VisualNetwork`.

    Args:
        phonemes: of each window, with times from its beginning; see `with_pauses`.
        lips: [windows, frames, 6].
        known: [windows, frames], 0 where there are no lips.
        voice: [windows, 80, any], mel spectrograms in the networks' scale.
    """
    sequences = [with_pauses(one, lips.shape[1] / FPS) for one in phonemes]
    longest = max(map(len, sequences))
    ids = np.zeros((2, len(sequences), longest), np.int64)
    times = np.zeros((2, len(sequences), longest), np.float32)
    absent = np.ones((len(sequences), longest), bool)
    for i, one in enumerate(sequences):
        for j, p in enumerate(one):
            ids[:, i, j] = PHONEME_ID[p.name], p.stress
            times[:, i, j] = p.start_s, p.end_s
            absent[i, j] = False
    names, stress, ended = (torch.from_numpy(array) for array in (*ids, absent))
    return VisualInputs(
        names, stress, ended, voice, *(torch.from_numpy(array) for array in (*times, lips, known))
    )


def with_pauses(phonemes: Sequence[TimedPhoneme], until_s: float) -> list[TimedPhoneme]:
    """The phonemes of the time from 0 to `until_s`, and a pause in each gap between them of at least 30 ms.

    A pause belongs to word -1.
    """
    out: list[TimedPhoneme] = []
    at = 0.0
    for p in phonemes:
        if p.end_s <= 0 or p.start_s >= until_s:
            continue
        if p.start_s - at >= SHORTEST_S:
            out.append(TimedPhoneme("", 0, at, p.start_s, -1))
        out.append(p)
        at = max(at, p.end_s)
    if until_s - at >= SHORTEST_S or not out:
        out.append(TimedPhoneme("", 0, min(at, until_s), until_s, -1))
    return out


def window_starts(frames: int) -> list[int]:
    """First frames of the windows that cover a timeline: every 50 frames, and one that ends with it."""
    last = max(0, frames - WINDOW)
    return [*range(0, last, STRIDE), last]


def overlap_add(pieces: Tensor, frames: int) -> Tensor:
    """Windows [n, channels, 4 * 75] to one [channels, 4 * frames], with a linear cross-fade where they overlap."""
    ramp = torch.minimum(torch.arange(1, WINDOW * MELS + 1), torch.arange(WINDOW * MELS, 0, -1))
    weight = ramp.clamp(max=(WINDOW - STRIDE) * MELS).to(pieces)
    out = pieces.new_zeros(pieces.shape[1], max(frames, WINDOW) * MELS)
    total = pieces.new_zeros(out.shape[1])
    for piece, first in zip(pieces, window_starts(frames), strict=True):
        here = slice(first * MELS, (first + WINDOW) * MELS)
        out[:, here] += piece * weight
        total[here] += weight
    return (out / total)[:, : frames * MELS]
