"""Recorded clips of people who speak."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import TrainingDataError
from lossweep.endpoints.clip import SPEECH_RATE
from lossweep.endpoints.tts.synthesizer import FRAME, TARGET_LOUDNESS, loudness
from lossweep.experiments.training.face.split import Person, clips_folder, people


@dataclass(frozen=True)
class RecordedClip:
    """A clip in which its person speaks.

    Attributes:
        person: see `split.Person`.
        speech: float32 [samples], 16 kHz, from the first picture on, whole frames of 640, at the common loudness.
        transcript: of the speech, "" where unknown.
    """

    person: Person
    speech: NDArray[np.float32]
    transcript: str


def recorded_clips(data: Path) -> Iterator[RecordedClip]:
    """The clips with English speech by manifest.csv (has_speech is yes/english).

    Raises:
        TrainingDataError: there is no manifest.csv, or it lacks the columns has_speech and transcript.
    """
    folder = clips_folder(data)
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as lines:
        rows = {row["file"]: row for row in csv.DictReader(lines)}
    for person in people(data):
        row = rows[person.file]
        if not {"has_speech", "transcript"} <= row.keys():
            raise TrainingDataError(
                f"{folder / 'manifest.csv'} must have the columns has_speech and transcript"
            )
        if row["has_speech"] != "yes/english":
            continue
        speech = read_speech(folder / person.file)
        level = loudness(speech)
        if level > 0:
            yield RecordedClip(person, np.clip(speech * (TARGET_LOUDNESS / level), -1, 1), row["transcript"])


def read_speech(path: Path) -> NDArray[np.float32]:
    """The speech of a file from its first picture on, float32 [samples], 16 kHz mono, whole frames of 640.

    Raises:
        TrainingDataError: it has none.
    """
    import av

    with av.open(str(path)) as file:
        if not file.streams.audio:
            raise TrainingDataError(f"{path} has no sound; correct has_speech in manifest.csv")
        shown = file.streams.video[0]
        start = float((shown.start_time or 0) * shown.time_base)
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SPEECH_RATE)
        parts, first = [], None
        for frame in file.decode(audio=0):
            first = frame.time if first is None else first
            parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
        parts += [part.to_ndarray()[0] for part in resampler.resample(None)]
    samples = np.concatenate(parts)
    late = round(((first or 0.0) - start) * SPEECH_RATE)
    samples = np.pad(samples, (late, 0)) if late > 0 else samples[-late:]
    return samples[: len(samples) // FRAME * FRAME].astype(np.float32)
