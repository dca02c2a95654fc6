"""The corpus for training speech synthesis, as `python -m lossweep.experiments.training.tts.prepare` writes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import TrainingDataError
from lossweep.endpoints.tts.spectrum import HOP
from lossweep.endpoints.tts.synthesizer import FRAME

INDEX = "index.json"
SCALE = 32767.0


@dataclass(frozen=True)
class Utterance:
    """A segment of speech and its place in the corpus.

    Attributes:
        name: of the clip's file, or a number.
        speaker: identity of the person, or the voice.
        kind: "espeak"; "real", a person of the clips; or "grid", a sentence of GRID's man.
        held_out: speaker (for espeak the text too, for "grid" only the sentence) is in no network's training.
        first: sample where it begins, a multiple of 640.
        samples: a multiple of 640.
        words: (text, start, end) in seconds from its beginning; empty where unknown.
        phonemes: (name, start, end) as spoken; espeak's names.
        receiver_phonemes: (name, stress, start, end, number of the word) as a receiver derives them from the words,
            see `phonemes.to_phonemes`.
    """

    name: str
    speaker: str
    kind: str
    held_out: bool
    first: int
    samples: int
    words: tuple[tuple[str, float, float], ...] = ()
    phonemes: tuple[tuple[str, float, float], ...] = ()
    receiver_phonemes: tuple[tuple[str, float, float, int], ...] = ()

    @property
    def frames(self) -> int:
        """Video frames."""
        return self.samples // FRAME


@dataclass(frozen=True)
class Corpus:
    """All utterances, one after the other in memory-mapped arrays.

    Attributes:
        speech: int16 [samples], 16 kHz.
        pitch: float32 [samples / 160] in Hz, 0 without voice.
        lips: float16 [samples / 640, 6], expressions in standard deviations without their running mean.
        utterances: in order.
    """

    speech: NDArray[np.int16]
    pitch: NDArray[np.float32]
    lips: NDArray[np.float16]
    utterances: tuple[Utterance, ...]

    @classmethod
    def load(cls, folder: Path) -> Corpus:
        """The corpus of a folder.

        Raises:
            TrainingDataError: it is not there.
        """
        folder = Path(folder)
        if not (folder / INDEX).exists():
            raise TrainingDataError(
                f"{folder} has no corpus of speech; make one with "
                f"`python -m lossweep.experiments.training.tts.prepare --data DIR --out {folder}`"
            )
        utterances = tuple(Utterance(**line) for line in json.loads((folder / INDEX).read_text()))
        arrays = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("speech", "pitch", "lips"))
        return cls(*arrays, utterances)

    def speech_of(self, u: Utterance) -> NDArray[np.float32]:
        """Speech, float32 [samples] in [-1, 1]."""
        return self.speech[u.first : u.first + u.samples].astype(np.float32) / SCALE

    def pitch_of(self, u: Utterance) -> NDArray[np.float32]:
        """Pitch, float32 [samples / 160] in Hz."""
        return np.array(self.pitch[u.first // HOP : (u.first + u.samples) // HOP])

    def lips_of(self, u: Utterance) -> NDArray[np.float32]:
        """Lips, float32 [frames, 6]."""
        return self.lips[u.first // FRAME : (u.first + u.samples) // FRAME].astype(np.float32)
