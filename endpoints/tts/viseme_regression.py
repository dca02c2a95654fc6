"""Lips that synthetic speech would have: a linear model from phonemes and sound, fitted to real clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import solve_discrete_lyapunov
from scipy.ndimage import uniform_filter1d

from lossweep.channels.errors import WeightsError
from lossweep.endpoints.tts.phonemes import base
from lossweep.endpoints.tts.spectrum import BANDS, mel
from lossweep.endpoints.tts.synthesizer import FPS, FRAME, MELS

SHIPPED = Path(__file__).parent / "model" / "visemes.npz"
AROUND = 4
"""Frames before and after whose phonemes move the lips of one."""
CLASSES = {
    name: i + 1
    for i, names in enumerate(
        (
            ("p", "b", "m"),
            ("f", "v"),
            ("T", "D"),
            ("t", "t#", "t2", "d", "d#", "n", "l", "l#", "?", "@L"),
            ("s", "z"),
            ("S", "Z", "tS", "dZ"),
            ("k", "g", "N", "h", "x"),
            ("r", "r-", "3", "3:"),
            ("w", "u:", "U", "U@"),
            ("j", "i:", "i", "I", "I#", "I2", "i@", "i@3"),
            ("e:", "e@", "eI", "E", "E#", "E2"),
            ("a", "a#", "aa", "A:", "A@", "A#", "aI", "aI3", "aI@", "aU"),
            ("0", "0#", "02", "O", "O:", "O2", "O@", "o@", "OI", "oU", "oU#"),
            ("V", "@", "@2", "@5"),
        )
    )
    for name in names
}
"""Viseme of a phoneme; 0 is silence."""
COUNT = 1 + max(CLASSES.values())
SOUNDS = 5
QUIETEST = -9.0
SLOW = 75
"""Frames whose running mean is taken off lips: what moves more slowly is mood, not speech."""
FARTHEST = 6
"""Frames by which sound and pictures of a clip may be apart."""
RIDGES = np.concatenate(
    [np.full((2 * AROUND + 1) * COUNT, 300.0), np.full((2 * AROUND + 1) * SOUNDS, 1000.0)]
)


@dataclass(frozen=True)
class Visemes:
    """Expressions [frames, 6] in standard deviations, their running mean taken off, from evidence and chance.

    Lips are `evidence @ weights`, and what that leaves of real lips: a vector autoregression of the first order
    with the real residual's covariance at lags 0 and 1.

    Attributes:
        weights: float32 [9 * (15 + 5), 6].
        memory: float32 [6, 6], by how much a residual is the one before.
        chance: float32 [6, 6], covariance of what is new in it.
    """

    weights: NDArray[np.float32]
    memory: NDArray[np.float32]
    chance: NDArray[np.float32]

    @classmethod
    def load(cls, path: Path = SHIPPED) -> Visemes:
        """The model that ships.

        Raises:
            WeightsError: the file is missing.
        """
        if not path.exists():
            raise WeightsError(
                f"visemes: {path} is missing; reinstall lossweep, or make the corpus with --fit"
            )
        with np.load(path) as stored:
            return cls(**stored)

    def save(self, path: Path = SHIPPED) -> None:
        """Writes the model as npz."""
        np.savez_compressed(path, **{f.name: getattr(self, f.name) for f in fields(self)})

    def lips(
        self, evidence: NDArray[np.float32], share: float = 0.0, rng: np.random.Generator | None = None
    ) -> NDArray[np.float32]:
        """Expressions float32 [frames, 6].

        Args:
            evidence: as `evidence` gives it.
            share: standard deviation of the residual in that of real lips; 0 for the likeliest lips.
            rng: where the residual comes from.
        """
        moved = evidence.astype(np.float64) @ self.weights
        if rng is not None:
            moved += share * self._residual(len(moved), rng)
        return moving(moved)

    def _residual(self, frames: int, rng: np.random.Generator) -> NDArray[np.float64]:
        state = rng.multivariate_normal(np.zeros(6), solve_discrete_lyapunov(self.memory, self.chance))
        new = rng.multivariate_normal(np.zeros(6), self.chance, frames)
        out = np.empty((frames, 6))
        for i in range(frames):
            out[i] = state
            state = self.memory @ state + new[i]
        return out


def fit(
    evidences: Sequence[NDArray[np.float32]], lips: Sequence[NDArray[np.float32]], rounds: int = 3
) -> tuple[Visemes, list[int]]:
    """The model of clips, and by how many frames each clip's sound is ahead of its pictures.

    In each round every clip is set to the offset, within 6 frames, at which the other clips' model fits it best.

    Args:
        evidences: [frames, 180] of each clip.
        lips: [frames, 6] of each, as `moving` leaves them.
    """
    late = [0] * len(lips)
    for _ in range(rounds):
        late = [
            offset(_solve(evidences, lips, late, leave_out=i), evidences[i], lips[i])
            for i in range(len(lips))
        ]
    weights = _solve(evidences, lips, late)
    left = [y - np.roll(x, k, 0) @ weights for x, y, k in zip(evidences, lips, late, strict=True)]
    before = np.concatenate([one[FARTHEST:-FARTHEST][:-1] for one in left])
    after = np.concatenate([one[FARTHEST:-FARTHEST][1:] for one in left])
    memory = np.linalg.lstsq(before, after, rcond=None)[0].T
    chance = np.cov((after - before @ memory.T).T)
    return Visemes(np.float32(weights), np.float32(memory), np.float32(chance)), late


def offset(weights: NDArray, evidence: NDArray[np.float32], lips: NDArray[np.float32]) -> int:
    """Frames, -6 to 6, by which the evidence must be delayed to fit the lips best."""
    inner = slice(FARTHEST, -FARTHEST)

    def likeness(k: int) -> float:
        guess = np.roll(evidence, k, 0)[inner] @ weights
        return float((guess * lips[inner]).sum() / np.linalg.norm(guess))

    return max(range(-FARTHEST, FARTHEST + 1), key=likeness)


def moving(lips: NDArray[np.floating]) -> NDArray[np.float32]:
    """Lips [frames, n] without their running mean over 3 s."""
    lips = np.asarray(lips, np.float64)
    return (lips - uniform_filter1d(lips, SLOW, axis=0, mode="nearest")).astype(np.float32)


def _solve(
    evidences: Sequence[NDArray], lips: Sequence[NDArray], late: Sequence[int], leave_out: int = -1
) -> NDArray[np.float64]:
    inner = slice(FARTHEST, -FARTHEST)
    used = [i for i in range(len(lips)) if i != leave_out]
    x = np.concatenate([np.roll(evidences[i], late[i], 0)[inner] for i in used]).astype(np.float64)
    y = np.concatenate([lips[i][inner] for i in used])
    return np.linalg.solve(x.T @ x + np.diag(RIDGES), x.T @ y)


def evidence(phonemes: Sequence[tuple], speech: NDArray[np.float32]) -> NDArray[np.float32]:
    """What phonemes and sound say of each video frame's lips.

    Args:
        phonemes: (espeak's name, start, end, ...) in seconds; what no phoneme fills is silence.
        speech: float32 [frames * 640], 16 kHz.
    Returns:
        float32 [frames, 9 * (15 + 5)], running mean taken off: of the frame, and of the four before and after it,
            the share that each viseme fills, and the level in five bands.
    """
    frames = len(speech) // FRAME
    shares = np.zeros((frames + 2 * AROUND, COUNT), np.float32)
    edges = (np.arange(frames + 2 * AROUND + 1) - AROUND) / FPS
    for name, start, end, *_ in phonemes:
        known = CLASSES.get(base(name)[0])
        if known:
            inside = np.clip(np.minimum(edges[1:], end) - np.maximum(edges[:-1], start), 0, None)
            shares[:, known] += inside * FPS
    shares[:, 0] = np.clip(1 - shares.sum(1), 0, 1)
    level = mel(torch.from_numpy(speech[: frames * FRAME])).clamp(min=QUIETEST).numpy()
    level = level.reshape(SOUNDS, BANDS // SOUNDS, frames, MELS).mean((1, 3)).T / 2
    level = np.pad(level, ((AROUND, AROUND), (0, 0)), mode="edge")
    both = [
        np.lib.stride_tricks.sliding_window_view(one, 2 * AROUND + 1, 0).reshape(frames, -1)
        for one in (shares, level)
    ]
    return moving(np.concatenate(both, 1))
