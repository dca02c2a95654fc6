"""Training batches from the corpus: windows of speech with the inputs that a receiver would have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.endpoints.tts.inputs import (
    WINDOW,
    PhonemeInputs,
    VisualInputs,
    normalize_mel,
    visual_inputs,
    with_pauses,
)
from lossweep.endpoints.tts.networks import LOUD, OCTAVE, RANGE, TONIC
from lossweep.endpoints.tts.phonemes import PHONEME_ID, TimedPhoneme
from lossweep.endpoints.tts.spectrum import mel
from lossweep.endpoints.tts.synthesizer import FPS, FRAME, MELS
from lossweep.experiments.training.tts.corpus import Corpus, Utterance

VOICE = 50
"""Video frames per voice reference, 2 s."""
STRAY_S = 0.25
UNIMPAIRED_STRAY_S = 0.15
"""Largest standard deviation of the errors of word times, and the one of validation."""


class Batches:
    """Draws windows of 3 s from the corpus.

    Args:
        held_out: of people and voices held out from training.
    """

    def __init__(self, corpus: Corpus, held_out: bool) -> None:
        self.corpus = corpus
        usable = [
            u
            for u in corpus.utterances
            if u.held_out == held_out and u.receiver_phonemes and u.frames > VOICE
        ]
        self.kinds: dict[str, list[Utterance]] = defaultdict(list)
        for u in usable:
            self.kinds[u.kind].append(u)
        self.speakers: dict[str, list[Utterance]] = defaultdict(list)
        for u in usable:
            self.speakers[u.speaker].append(u)

    def draw(
        self, rng: np.random.Generator, count: int, shares: Mapping[str, float], impaired: bool = True
    ) -> tuple[VisualInputs, Tensor, Tensor]:
        """A batch of windows.

        Args:
            shares: of the windows by kind of speech; kinds that the corpus lacks are left out.
            impaired: with lost words and lips, as on a network.
        Returns:
            Inputs; target mel in the networks' scale [count, 80, 300]; pitch, voiced, energy and whether the utterance
                has this frame [count, 4, 300].
        """
        phonemes, lips, known, *sound = self._rows(rng, count, shares, impaired)
        voice, mels, prosody = _targets(*sound)
        return visual_inputs(phonemes, np.stack(lips), np.stack(known), voice), mels, prosody

    def draw_moved(
        self, rng: np.random.Generator, count: int, shares: Mapping[str, float], impaired: bool = True
    ) -> tuple[VisualInputs, Tensor]:
        """A batch of windows whose words stand at wrong times.

        The times of a window's words are off by normally distributed errors; their standard deviation is at most
        STRAY_S. Without `impaired` it is UNIMPAIRED_STRAY_S.
        Returns:
            Inputs; by how many seconds each phoneme is in truth later, float32 [count, n]; 0 for pauses.
        """
        phonemes, lips, known, *sound = self._rows(rng, count, shares, impaired)
        spread = [rng.uniform(0, STRAY_S) if impaired else UNIMPAIRED_STRAY_S for _ in phonemes]
        moved = [move_words(*one, rng) for one in zip(phonemes, spread, strict=True)]
        inputs = visual_inputs(
            [one for one, _ in moved], np.stack(lips), np.stack(known), _targets(*sound)[0]
        )
        late = torch.zeros(inputs.starts.shape)
        for row, (one, errors) in enumerate(moved):
            for i, p in enumerate(with_pauses(one, WINDOW / FPS)):
                late[row, i] = -errors.get(p.word, 0.0)
        return inputs, late

    def draw_sequences(
        self, rng: np.random.Generator, count: int, shares: Mapping[str, float]
    ) -> tuple[PhonemeInputs, Tensor, Tensor, Tensor]:
        """A batch without lips, for networks that predict durations.

        Returns:
            Inputs, with pauses "" among the phonemes; durations in mel frames, int [count, n], which fill the window;
                target and prosody as in `draw`.
        """
        phonemes, _, _, *sound = self._rows(rng, count, shares, impaired=False)
        voice, mels, prosody = _targets(*sound)
        sequences = [tile_phonemes(one, WINDOW * MELS) for one in phonemes]
        rows = np.zeros((3, count, max(map(len, sequences))), np.int64)
        for i, one in enumerate(sequences):
            rows[:, i, : len(one)] = np.array(one).T
        names, stress, durations = torch.from_numpy(rows)
        return (
            PhonemeInputs(names, stress, durations == 0, voice),
            durations,
            mels,
            prosody,
        )

    def _rows(
        self, rng: np.random.Generator, count: int, shares: Mapping[str, float], impaired: bool
    ) -> list[tuple]:
        known = {kind: share for kind, share in shares.items() if kind in self.kinds}
        kinds = rng.choice(list(known), count, p=np.array([*known.values()]) / sum(known.values()))
        return list(zip(*(self._one(rng, kind, impaired) for kind in kinds), strict=True))

    def _one(self, rng: np.random.Generator, kind: str, impaired: bool) -> tuple:
        u = self.kinds[kind][rng.integers(len(self.kinds[kind]))]
        first = int(rng.integers(0, max(1, u.frames - WINDOW + 1)))
        have = min(WINDOW, u.frames)
        fill = WINDOW - have

        def window(values: NDArray, step: int) -> NDArray:
            part = values[first * step : (first + have) * step]
            return np.pad(part, [(0, fill * step)] + [(0, 0)] * (part.ndim - 1))

        phonemes = [
            TimedPhoneme(n, s, a - first / FPS, b - first / FPS, w) for n, s, a, b, w in u.receiver_phonemes
        ]
        lips, known = window(self.corpus.lips_of(u), 1), np.ones(WINDOW, np.float32)
        silent = np.zeros(WINDOW * MELS, bool)
        if impaired:
            phonemes, silent = drop_words(phonemes, rng)
            lips, known = freeze_lips(lips, known, rng)
        inside = np.arange(WINDOW * MELS) < have * MELS
        tracks = np.stack([window(self.corpus.pitch_of(u), MELS), inside]).astype(np.float32)
        return (
            phonemes,
            lips,
            known,
            self._voice(u, rng),
            window(self.corpus.speech_of(u), FRAME),
            tracks,
            silent,
        )

    def _voice(self, u: Utterance, rng: np.random.Generator) -> NDArray[np.float32]:
        """Two seconds of speech of the same speaker."""
        theirs = self.speakers[u.speaker]
        other = theirs[rng.integers(len(theirs))]
        first = int(rng.integers(0, other.frames - VOICE + 1))
        return self.corpus.speech_of(other)[first * FRAME : (first + VOICE) * FRAME]


def _targets(voices: tuple, sounds: tuple, tracks: tuple, silent: tuple) -> tuple[Tensor, Tensor, Tensor]:
    """Voice, target mel and target prosody of `Batches.draw`."""
    quiet = torch.from_numpy(np.stack(silent))
    mels = attenuate(mel(torch.from_numpy(np.stack(sounds))), quiet)
    energy = (mels.exp().sum(1).log() - LOUD) / RANGE
    pitch, inside = torch.from_numpy(np.stack(tracks)).unbind(1)
    voiced = ((pitch > 0) & ~quiet).float()
    pitch = torch.where(pitch > 0, (pitch.clamp(min=1).log() - TONIC) / OCTAVE, 0)
    prosody = torch.stack([pitch, voiced, energy, inside], 1)
    return normalize_mel(mel(torch.from_numpy(np.stack(voices)))), normalize_mel(mels), prosody


def tile_phonemes(phonemes: list[TimedPhoneme], frames: int) -> list[tuple[int, int, int]]:
    """Id, stress and duration in mel frames of phonemes and pauses that fill the time without a gap."""
    out, at = [], 0
    for p in phonemes:
        first, last = (round(t * FPS * MELS) for t in (p.start_s, p.end_s))
        first, last = max(at, first), min(last, frames)
        if last > first:
            if first > at:
                out.append((PHONEME_ID[""], 0, first - at))
            out.append((PHONEME_ID[p.name], p.stress, last - first))
            at = last
    return [*out, (PHONEME_ID[""], 0, frames - at)] if at < frames else out


def drop_words(
    phonemes: list[TimedPhoneme], rng: np.random.Generator
) -> tuple[list[TimedPhoneme], NDArray[np.bool_]]:
    """Phonemes with some words lost; and bool [mel frames], where lost words were."""
    words = sorted({p.word for p in phonemes})
    lost = {w for w in words if rng.random() < 0.4} if rng.random() < 0.25 else set()
    silent = np.zeros(WINDOW * MELS, bool)
    for p in phonemes:
        if p.word in lost:
            first, last = (round(t * FPS * MELS) for t in (p.start_s, p.end_s))
            silent[max(0, first) : max(0, last)] = True
    return [p for p in phonemes if p.word not in lost], silent


def move_words(
    phonemes: list[TimedPhoneme], spread_s: float, rng: np.random.Generator
) -> tuple[list[TimedPhoneme], dict[int, float]]:
    """Phonemes with the times of their words moved, in order of the new times; and by how many seconds, by word."""
    words = sorted({p.word for p in phonemes})
    errors = dict(zip(words, rng.normal(0, spread_s, len(words)).tolist(), strict=True))
    moved = [p._replace(start_s=p.start_s + errors[p.word], end_s=p.end_s + errors[p.word]) for p in phonemes]
    firsts = {p.word: p.start_s for p in reversed(moved)}
    return sorted(moved, key=lambda p: (firsts[p.word], p.word)), errors


def freeze_lips(lips: NDArray, known: NDArray, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Lips with a part frozen, or none; and which frames are known."""
    chance = rng.random()
    if chance < 0.1:
        return lips, np.zeros_like(known)
    if chance < 0.35:
        first, length = int(rng.integers(0, WINDOW - 5)), int(rng.integers(5, 40))
        lips = lips.copy()
        lips[first : first + length] = lips[first]
    return lips, known


def attenuate(mels: Tensor, silent: Tensor) -> Tensor:
    """Mel spectrograms [n, 80, frames], attenuated to their lowest tenth where silent [n, frames]."""
    quiet = mels.quantile(0.1, 2, keepdim=True)
    return torch.where(silent[:, None], torch.minimum(mels, quiet), mels)
