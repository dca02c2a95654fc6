"""Viseme regression: lips for synthetic speech by a linear model of phonemes and sound, fitted to real clips."""

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
from lossweep.endpoints.tts.phonemes import normalize_phoneme
from lossweep.endpoints.tts.spectrum import BANDS, mel
from lossweep.endpoints.tts.synthesizer import FPS, FRAME, MELS

SHIPPED = Path(__file__).parent / "model" / "visemes.npz"
CONTEXT = 4
"""Frames before and after whose features are used."""
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
FLOOR = -9.0
TREND_FRAMES = 75
"""Length of the running mean that is subtracted from lips: slower motion is not speech."""
MAX_LAG = 6
"""Maximum offset between sound and pictures of a clip, in frames."""
RIDGES = np.concatenate(
    [np.full((2 * CONTEXT + 1) * COUNT, 300.0), np.full((2 * CONTEXT + 1) * SOUNDS, 1000.0)]
)


@dataclass(frozen=True)
class VisemeRegression:
    """Expressions [frames, 6] in standard deviations without their running mean, from phonemes and sound.

    Lips are `features @ weights` plus a residual: a first-order vector autoregression with the covariance of the real
    residual at lags 0 and 1.

    Attributes:
        weights: float32 [9 * (15 + 5), 6].
        transition: float32 [6, 6], from a residual to the next one.
        innovation_covariance: float32 [6, 6].
    """

    weights: NDArray[np.float32]
    transition: NDArray[np.float32]
    innovation_covariance: NDArray[np.float32]

    @classmethod
    def load(cls, path: Path = SHIPPED) -> VisemeRegression:
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
        self,
        features: NDArray[np.float32],
        residual_scale: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> NDArray[np.float32]:
        """Expressions float32 [frames, 6].

        Args:
            features: as `viseme_features` returns them.
            residual_scale: standard deviation of the residual relative to that of real lips; 0 for the expected lips.
            rng: of the residual; None for none.
        """
        moved = features.astype(np.float64) @ self.weights
        if rng is not None:
            moved += residual_scale * self._residual(len(moved), rng)
        return detrend(moved)

    def _residual(self, frames: int, rng: np.random.Generator) -> NDArray[np.float64]:
        state = rng.multivariate_normal(
            np.zeros(6), solve_discrete_lyapunov(self.transition, self.innovation_covariance)
        )
        new = rng.multivariate_normal(np.zeros(6), self.innovation_covariance, frames)
        out = np.empty((frames, 6))
        for i in range(frames):
            out[i] = state
            state = self.transition @ state + new[i]
        return out


def fit(
    features: Sequence[NDArray[np.float32]], lips: Sequence[NDArray[np.float32]], rounds: int = 3
) -> tuple[VisemeRegression, list[int]]:
    """Fits the model to clips; returns it and the lag of each clip: frames by which its sound is ahead of its pictures.

    In each round every clip is shifted by the lag, within 6 frames, at which the model of the other clips fits it best.

    Args:
        features: [frames, 180] of each clip.
        lips: [frames, 6] of each, without their running mean (`detrend`).
    """
    lags = [0] * len(lips)
    for _ in range(rounds):
        clips = [_products(*clip) for clip in zip(features, lips, lags, strict=True)]
        square, moment = (sum(parts) for parts in zip(*clips, strict=True))
        lags = [
            best_lag(_solve(square - own, moment - with_lips), x, y)
            for (own, with_lips), x, y in zip(clips, features, lips, strict=True)
        ]
    clips = [_products(*clip) for clip in zip(features, lips, lags, strict=True)]
    weights = _solve(*(sum(parts) for parts in zip(*clips, strict=True)))
    left = [y - np.roll(x, k, 0) @ weights for x, y, k in zip(features, lips, lags, strict=True)]
    before = np.concatenate([one[MAX_LAG:-MAX_LAG][:-1] for one in left])
    after = np.concatenate([one[MAX_LAG:-MAX_LAG][1:] for one in left])
    transition = np.linalg.lstsq(before, after, rcond=None)[0].T
    innovation_covariance = np.cov((after - before @ transition.T).T)
    return VisemeRegression(
        np.float32(weights), np.float32(transition), np.float32(innovation_covariance)
    ), lags


def best_lag(weights: NDArray, features: NDArray[np.float32], lips: NDArray[np.float32]) -> int:
    """Frames, -6 to 6, by which the features must be delayed to fit the lips best."""
    inner = slice(MAX_LAG, -MAX_LAG)

    def correlation(k: int) -> float:
        guess = np.roll(features, k, 0)[inner] @ weights
        return float((guess * lips[inner]).sum() / np.linalg.norm(guess))

    return max(range(-MAX_LAG, MAX_LAG + 1), key=correlation)


def detrend(lips: NDArray[np.floating]) -> NDArray[np.float32]:
    """Lips [frames, n] without their running mean over 3 s."""
    lips = np.asarray(lips, np.float64)
    return (lips - uniform_filter1d(lips, TREND_FRAMES, axis=0, mode="nearest")).astype(np.float32)


def _products(features: NDArray, lips: NDArray, lag: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A clip's part of the normal equations, its features delayed by `lag`: [180, 180] and [180, 6]."""
    inner = slice(MAX_LAG, -MAX_LAG)
    x = np.roll(features, lag, 0)[inner].astype(np.float64)
    return x.T @ x, x.T @ lips[inner]


def _solve(square: NDArray[np.float64], moment: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.linalg.solve(square + np.diag(RIDGES), moment)


def viseme_features(phonemes: Sequence[tuple], speech: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features of phonemes and sound for each video frame.

    Args:
        phonemes: (espeak's name, start, end, ...) in seconds; the rest is silence.
        speech: float32 [frames * 640], 16 kHz.
    Returns:
        float32 [frames, 9 * (15 + 5)] without their running mean: of the frame and the four before and after it, the
            share of its time that each viseme fills, and the level in five bands.
    """
    frames = len(speech) // FRAME
    shares = np.zeros((frames + 2 * CONTEXT, COUNT), np.float32)
    edges = (np.arange(frames + 2 * CONTEXT + 1) - CONTEXT) / FPS
    for name, start, end, *_ in phonemes:
        known = CLASSES.get(normalize_phoneme(name)[0])
        if known:
            inside = np.clip(np.minimum(edges[1:], end) - np.maximum(edges[:-1], start), 0, None)
            shares[:, known] += inside * FPS
    shares[:, 0] = np.clip(1 - shares.sum(1), 0, 1)
    level = mel(torch.from_numpy(speech[: frames * FRAME])).clamp(min=FLOOR).numpy()
    level = level.reshape(SOUNDS, BANDS // SOUNDS, frames, MELS).mean((1, 3)).T / 2
    level = np.pad(level, ((CONTEXT, CONTEXT), (0, 0)), mode="edge")
    both = [
        np.lib.stride_tricks.sliding_window_view(one, 2 * CONTEXT + 1, 0).reshape(frames, -1)
        for one in (shares, level)
    ]
    return detrend(np.concatenate(both, 1))
