"""Recorded clips of people who speak: the project's clips, English clips with Whisper's words, GRID sentences."""

from __future__ import annotations

import csv
import json
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import TrainingDataError
from lossweep.endpoints.clip import SPEECH_RATE, Word
from lossweep.endpoints.tts.synthesizer import FRAME, TARGET_LOUDNESS, loudness
from lossweep.experiments.training.face.split import GRID_MAN, Person, clips_folder, everyone, grid
from lossweep.experiments.training.tts.alignment import align_words

WORDS = "words_whisper.json"
NEW_CLIPS = "clips_new.csv"
CLEAR = 2.5
"""Least DNSMOS of the background of a new clip: below it there is music or noise under the speech."""
GRID_UNITS_PER_S = 25_000
PAUSES = ("sil", "sp")
SAID = {"z": "zed"}
"""GRID's words as espeak-ng's American voice would have to read them."""


@dataclass(frozen=True)
class RecordedClip:
    """A clip in which its person speaks.

    Attributes:
        person: see `split.Person`.
        kind: "real", or "grid" for a sentence of GRID's man.
        speech: float32 [samples], 16 kHz, from the first picture on, whole frames of 640, at the common loudness.
        words: with their times in the sound.
    """

    person: Person
    kind: str
    speech: NDArray[np.float32]
    words: tuple[Word, ...]


def recorded_clips(data: Path) -> Iterator[RecordedClip]:
    """The clips with English speech, then the GRID sentences.

    Words are Whisper's, from words_whisper.json, where it heard English; else pocketsphinx aligns the transcript of
    manifest.csv or recognizes words. Left out are clips of GRID's man outside the GRID folder, and new clips without
    Whisper's words or whose background is not `CLEAR`.

    Raises:
        TrainingDataError: there is no manifest.csv, or it lacks the columns has_speech and transcript.
    """
    folder = clips_folder(data)
    transcripts, clear = _transcripts(folder), _clear(folder.parent / NEW_CLIPS)
    timed = _whisper(folder.parent / WORDS)
    for person in everyone(data):
        words = timed.get(posixpath.normpath(f"{folder.name}/{person.file}"), ())
        known = person.file in transcripts or (person.file in clear and words)
        speech = (
            _levelled(read_speech(folder / person.file)) if known and person.identity != GRID_MAN else None
        )
        if speech is not None:
            words = words or align_words(speech, transcripts[person.file])
            yield RecordedClip(person, "real", speech, words)
    for person in grid(data):
        speech = _levelled(read_speech(folder / person.file))
        if speech is not None:
            path = folder / person.file
            yield RecordedClip(
                person, "grid", speech, grid_words(path.parent / "align" / f"{path.stem}.align")
            )


def grid_words(path: Path) -> tuple[Word, ...]:
    """The words of a GRID .align file: lines "start end word" in 1/25000 s; "sil" and "sp" are pauses."""
    lines = (line.split() for line in path.read_text(encoding="ascii").splitlines() if line.strip())
    return tuple(
        Word(SAID.get(word, word), int(start) / GRID_UNITS_PER_S, int(end) / GRID_UNITS_PER_S)
        for start, end, word in lines
        if word not in PAUSES
    )


def _transcripts(folder: Path) -> dict[str, str]:
    """File -> transcript of the clips of manifest.csv with English speech."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    if not rows or not {"has_speech", "transcript"} <= rows[0].keys():
        raise TrainingDataError(f"{folder / 'manifest.csv'} must have the columns has_speech and transcript")
    return {row["file"]: row["transcript"] for row in rows if row["has_speech"] == "yes/english"}


def _clear(path: Path) -> set[str]:
    """Files of clips_new.csv with English speech in front of a clear background; empty where it is not there."""
    if not path.exists():
        return set()
    with path.open(newline="", encoding="utf-8") as lines:
        return {
            f"../{row['file']}"
            for row in csv.DictReader(lines)
            if (row["has_speech"], row["language"]) == ("yes", "en")
            and float(row["dnsmos_bak"] or 0) >= CLEAR
        }


def _whisper(path: Path) -> dict[str, tuple[Word, ...]]:
    """Clip -> words with times, without the marks around them; empty where the file is not there."""
    if not path.exists():
        return {}
    clips = json.loads(path.read_text(encoding="utf-8"))
    return {
        clip: tuple(Word(one["word"].strip(" .,?!-\"'"), one["start"], one["end"]) for one in found["words"])
        for clip, found in clips.items()
        if found["language"] == "en"
    }


def _levelled(speech: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Speech at the common loudness; None where it is silent."""
    level = loudness(speech)
    return np.clip(speech * (TARGET_LOUDNESS / level), -1, 1) if level > 0 else None


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
