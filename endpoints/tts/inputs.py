"""The timeline cut into windows of three seconds, as the visual network sees it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.endpoints.tts.networks import MIDDLE, SPREAD
from lossweep.endpoints.tts.phonemes import NUMBER, Placed
from lossweep.endpoints.tts.synthesizer import FPS, MELS

WINDOW = 75
STRIDE = 50


def scaled(mel: Tensor) -> Tensor:
    """Mel spectrogram in the networks' scale."""
    return (mel - MIDDLE) / SPREAD


def unscaled(mel: Tensor) -> Tensor:
    """The inverse of `scaled`."""
    return mel * SPREAD + MIDDLE


def given(
    phonemes: Sequence[Sequence[Placed]], lips: NDArray[np.float32], known: NDArray[np.float32], voice: Tensor
) -> dict[str, Tensor]:
    """What `VisualNetwork` is given of windows.

    Args:
        phonemes: of each window, with times from its beginning; those that do not touch it are left out.
        lips: [windows, frames, 6].
        known: [windows, frames], 0 where there are no lips.
        voice: [windows, 80, any], mel spectrograms in the networks' scale.
    """
    until = lips.shape[1] / FPS
    inside = [[p for p in one if p.end_s > 0 and p.start_s < until] for one in phonemes]
    longest = max(1, *map(len, inside))
    numbers = np.zeros((2, len(inside), longest), np.int64)
    times = np.zeros((2, len(inside), longest), np.float32)
    absent = np.ones((len(inside), longest), bool)
    for i, one in enumerate(inside):
        for j, p in enumerate(one):
            numbers[:, i, j] = NUMBER[p.name], p.stress
            times[:, i, j] = p.start_s, p.end_s
            absent[i, j] = False
    # A row without any phoneme attends to its first, empty one; the aligner leaves it out all the same.
    absent_in_blocks = absent.copy()
    absent_in_blocks[:, 0] &= ~absent.all(1)
    return {
        "names": torch.from_numpy(numbers[0]),
        "stress": torch.from_numpy(numbers[1]),
        "starts": torch.from_numpy(times[0]),
        "ends": torch.from_numpy(times[1]),
        "absent": torch.from_numpy(absent),
        "hidden": torch.from_numpy(absent_in_blocks),
        "lips": torch.from_numpy(lips),
        "known": torch.from_numpy(known),
        "voice": voice,
    }


def starts(frames: int) -> list[int]:
    """First frames of the windows that cover a timeline: every 50 frames, and one that ends with it."""
    last = max(0, frames - WINDOW)
    return [*range(0, last, STRIDE), last]


def joined(pieces: Tensor, frames: int) -> Tensor:
    """Windows [n, channels, 4 * 75] to one [channels, 4 * frames]; where they overlap, they fade."""
    ramp = torch.minimum(torch.arange(1, WINDOW * MELS + 1), torch.arange(WINDOW * MELS, 0, -1))
    weight = ramp.clamp(max=(WINDOW - STRIDE) * MELS).to(pieces)
    out = pieces.new_zeros(pieces.shape[1], max(frames, WINDOW) * MELS)
    total = pieces.new_zeros(out.shape[1])
    for piece, first in zip(pieces, starts(frames), strict=True):
        here = slice(first * MELS, (first + WINDOW) * MELS)
        out[:, here] += piece * weight
        total[here] += weight
    return (out / total)[:, : frames * MELS]
