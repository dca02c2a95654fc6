"""The interface of synthesizers and their registry."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.registry import Registry
from lossweep.endpoints.clip import SPEECH_RATE, ClipError, Word
from lossweep.endpoints.tts.spectrum import HOP
from lossweep.endpoints.weights import sha256

FPS = 25
FRAME = SPEECH_RATE // FPS
"""Samples of speech per video frame, 640."""
MELS = FRAME // HOP
"""Mel frames per video frame, 4 (the SyncSC paper, eq. 14)."""
TRAINER = "lossweep.experiments.training.tts.train"
SHORTEST_REFERENCE_S = 1.0
LONGEST_REFERENCE_S = 8
"""Seconds of the voice reference that are used."""
VOCODER_S = 0.36
"""Seconds of a spectrogram after a sample that the shipped vocoder uses for it; published HiFi-GAN uses less."""
QUIET = 1e-3
TARGET_LOUDNESS = 0.08
"""`loudness` of all speech that networks see."""

LEAST_LOOK_AHEAD_S = 0.6

SYNTHESIZERS = Registry(
    "synthesizer",
    "lossweep.synthesizers",
    {
        "visual": "lossweep.endpoints.tts.visual:Visual",
        "fastspeech2": "lossweep.endpoints.tts.fastspeech2:FastSpeech2",
        "tacotron2": "lossweep.endpoints.tts.tacotron2:Tacotron2",
    },
)


class Synthesizer(Protocol):
    """Speaks the received words in a voice that both ends know.

    Attributes:
        label: identifier in tables.
        title: for reports and plots.
        follows_lips: whether `lips` are used; without them only the words' starts determine times.
    """

    label: str
    title: str
    follows_lips: bool

    @classmethod
    def load(cls, device: str = "cpu", vocoder: str = "own") -> Synthesizer:
        """The synthesizer with the weights that ship.

        Args:
            vocoder: "own", or a folder with a published HiFi-GAN checkpoint.
        Raises:
            WeightsError: weights are missing or broken.
        """
        ...

    def speak(
        self,
        words: Sequence[Word],
        lips: NDArray[np.float32] | None,
        frames: int,
        voice: NDArray[np.float32],
        look_ahead_s: float = math.inf,
    ) -> NDArray[np.float32]:
        """Speech for `frames` video frames, float32 [frames * 640] in [-1, 1], 16 kHz. Equal inputs give equal speech.

        Args:
            words: in order of time, as they arrived; a word without text is not spoken.
            lips: [frames, >= 6], the face model's coefficients in standard deviations, 25 per second (the first six are
                used, less their running mean); None without pictures.
            frames: 1 or more.
            voice: [samples], 16 kHz: at least a second of the talker's speech.
            look_ahead_s: a sample depends on lips, and on words that start, at most so much later; at least
                `LEAST_LOOK_AHEAD_S`.
        Raises:
            ClipError: the voice is shorter than 1 s or silent, or a word cannot be spoken.
        """
        ...

    @classmethod
    def weights(cls) -> dict[str, str]:
        """File name -> SHA-256 of the weights that are read."""
        ...


def file_hashes(*files: Path) -> dict[str, str]:
    """File name -> SHA-256 of the files that are there."""
    return sha256(*(file for file in files if file.exists()))


def normalize_voice(voice: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """The voice reference at the common loudness, and its gain relative to that.

    Raises:
        ClipError: it is shorter than 1 s, or silent.
    """
    seconds = len(voice) / SPEECH_RATE
    if seconds < SHORTEST_REFERENCE_S:
        raise ClipError(
            f"the voice reference lasts {seconds:.2f} s; give at least {SHORTEST_REFERENCE_S:g} s of speech"
        )
    level = loudness(voice)
    if level < QUIET:
        raise ClipError("the voice reference is silent; choose a part in which the talker speaks")
    return (voice * (TARGET_LOUDNESS / level)).astype(np.float32), level / TARGET_LOUDNESS


def loudness(speech: NDArray[np.float32]) -> float:
    """Root mean square over the louder half of the video frames, full scale 1; 0 for empty speech."""
    power = (speech[: len(speech) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64) ** 2).mean(1)
    return float(np.sqrt(np.sort(power)[len(power) // 2 :].mean())) if len(power) else 0.0
