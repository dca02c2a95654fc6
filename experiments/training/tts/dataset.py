"""What trainings draw from the corpus: windows of speech and what a receiver would have of them."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.endpoints.tts.inputs import WINDOW, given, scaled
from lossweep.endpoints.tts.networks import LOUD, OCTAVE, RANGE, TONIC
from lossweep.endpoints.tts.phonemes import NUMBER, Placed
from lossweep.endpoints.tts.spectrum import mel
from lossweep.endpoints.tts.synthesizer import FPS, FRAME, MELS
from lossweep.experiments.training.tts.corpus import Corpus, Utterance

VOICE = 50
"""Video frames of a voice reference, 2 s."""
JITTER_S = 0.02
STRAY_S = 0.1
"""Up to which standard deviation word times are off; in one window of seven up to the second."""


class Batches:
    """Draws windows of 3 s from the corpus.

    Args:
        held_out: of people and voices that train nothing.
    """

    def __init__(self, corpus: Corpus, held_out: bool) -> None:
        self.corpus = corpus
        usable = [u for u in corpus.utterances if u.held_out == held_out and u.spelled and u.frames > VOICE]
        self.kinds = {k: [u for u in usable if u.kind == k] for k in ("espeak", "real")}
        self.speakers: dict[str, list[Utterance]] = defaultdict(list)
        for u in usable:
            self.speakers[u.speaker].append(u)

    def draw(
        self, rng: np.random.Generator, count: int, real: float, harsh: bool = True
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """A batch of windows.

        Args:
            real: the share of it from real clips.
            harsh: with what happens on a network: words and lips lost, times that are off.
        Returns:
            given, see `VisualNetwork`; target mel in the networks' scale [count, 80, 300]; pitch, voiced, energy and
                whether the window has this frame [count, 4, 300].
        """
        phonemes, lips, known, *sound = self._rows(rng, count, real, harsh)
        voice, mels, extras = _heard(*sound)
        return given(phonemes, np.stack(lips), np.stack(known), voice), mels, extras

    def draw_sequences(
        self, rng: np.random.Generator, count: int, real: float
    ) -> tuple[dict[str, Tensor], Tensor, Tensor, Tensor]:
        """A batch without lips, for networks with durations of their own.

        Returns:
            names, stress (int [count, n]), absent (bool [count, n]) and voice, as `draw` has them, pauses "" among
                the phonemes; their lengths in mel frames, int [count, n], which fill the window; target and extras.
        """
        phonemes, _, _, *sound = self._rows(rng, count, real, harsh=False)
        voice, mels, extras = _heard(*sound)
        sequences = [tiled(one, WINDOW * MELS) for one in phonemes]
        numbers = np.zeros((3, count, max(map(len, sequences))), np.int64)
        for i, one in enumerate(sequences):
            numbers[:, i, : len(one)] = np.array(one).T
        names, stress, lengths = torch.from_numpy(numbers)
        return (
            {"names": names, "stress": stress, "absent": lengths == 0, "voice": voice},
            lengths,
            mels,
            extras,
        )

    def _rows(self, rng: np.random.Generator, count: int, real: float, harsh: bool) -> list[tuple]:
        kinds = ["real" if rng.random() < real else "espeak" for _ in range(count)]
        return list(zip(*(self._one(rng, kind, harsh) for kind in kinds), strict=True))

    def _one(self, rng: np.random.Generator, kind: str, harsh: bool) -> tuple:
        u = self.kinds[kind][rng.integers(len(self.kinds[kind]))]
        first = int(rng.integers(0, max(1, u.frames - WINDOW + 1)))
        have = min(WINDOW, u.frames)
        fill = WINDOW - have

        def window(values: NDArray, step: int) -> NDArray:
            part = values[first * step : (first + have) * step]
            return np.pad(part, [(0, fill * step)] + [(0, 0)] * (part.ndim - 1))

        phonemes = [Placed(n, s, a - first / FPS, b - first / FPS, w) for n, s, a, b, w in u.spelled]
        lips, known = window(self.corpus.lips_of(u), 1), np.ones(WINDOW, np.float32)
        silent = np.zeros(WINDOW * MELS, bool)
        if harsh:
            phonemes, silent = lossy(phonemes, rng)
            lips, known = held(lips, known, rng)
        inside = np.arange(WINDOW * MELS) < have * MELS
        others = np.stack([window(self.corpus.pitch_of(u), MELS), inside]).astype(np.float32)
        return (
            phonemes,
            lips,
            known,
            self._voice(u, rng),
            window(self.corpus.speech_of(u), FRAME),
            others,
            silent,
        )

    def _voice(self, u: Utterance, rng: np.random.Generator) -> NDArray[np.float32]:
        """Two seconds of the same speaker."""
        theirs = self.speakers[u.speaker]
        other = theirs[rng.integers(len(theirs))]
        first = int(rng.integers(0, other.frames - VOICE + 1))
        return self.corpus.speech_of(other)[first * FRAME : (first + VOICE) * FRAME]


def _heard(voices: tuple, sounds: tuple, others: tuple, silent: tuple) -> tuple[Tensor, Tensor, Tensor]:
    """Voice, target and extras of `Batches.draw`."""
    quiet = torch.from_numpy(np.stack(silent))
    mels = quieted(mel(torch.from_numpy(np.stack(sounds))), quiet)
    energy = (mels.exp().sum(1).log() - LOUD) / RANGE
    pitch, inside = torch.from_numpy(np.stack(others)).unbind(1)
    voiced = ((pitch > 0) & ~quiet).float()
    pitch = torch.where(pitch > 0, (pitch.clamp(min=1).log() - TONIC) / OCTAVE, 0)
    extras = torch.stack([pitch, voiced, energy, inside], 1)
    return scaled(mel(torch.from_numpy(np.stack(voices)))), scaled(mels), extras


def tiled(phonemes: list[Placed], frames: int) -> list[tuple[int, int, int]]:
    """Number, stress and length in mel frames of phonemes and pauses that fill the time without a gap."""
    out, at = [], 0
    for p in phonemes:
        first, last = (round(t * FPS * MELS) for t in (p.start_s, p.end_s))
        first, last = max(at, first), min(last, frames)
        if last > first:
            if first > at:
                out.append((NUMBER[""], 0, first - at))
            out.append((NUMBER[p.name], p.stress, last - first))
            at = last
    return [*out, (NUMBER[""], 0, frames - at)] if at < frames else out


def lossy(phonemes: list[Placed], rng: np.random.Generator) -> tuple[list[Placed], NDArray[np.bool_]]:
    """Phonemes with some words lost and times off; and where in the window, in mel frames, nothing is to be said."""
    words = sorted({p.word for p in phonemes})
    lost = {w for w in words if rng.random() < 0.4} if rng.random() < 0.25 else set()
    spread = rng.uniform(0, STRAY_S if rng.random() < 1 / 7 else JITTER_S)
    shift = dict(zip(words, rng.normal(0, spread, len(words)), strict=True))
    silent = np.zeros(WINDOW * MELS, bool)
    for p in phonemes:
        if p.word in lost:
            first, last = (round(t * FPS * MELS) for t in (p.start_s, p.end_s))
            silent[max(0, first) : max(0, last)] = True
    kept = [p for p in phonemes if p.word not in lost]
    return [
        p._replace(start_s=p.start_s + shift[p.word], end_s=p.end_s + shift[p.word]) for p in kept
    ], silent


def held(lips: NDArray, known: NDArray, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Lips of which a stretch stands still, or none are there."""
    chance = rng.random()
    if chance < 0.1:
        return lips, np.zeros_like(known)
    if chance < 0.35:
        first, length = int(rng.integers(0, WINDOW - 5)), int(rng.integers(5, 40))
        lips = lips.copy()
        lips[first : first + length] = lips[first]
    return lips, known


def quieted(mels: Tensor, silent: Tensor) -> Tensor:
    """Mel spectrograms [n, 80, frames] as quiet as their quietest tenth where silent [n, frames]."""
    quiet = mels.quantile(0.1, 2, keepdim=True)
    return torch.where(silent[:, None], torch.minimum(mels, quiet), mels)
