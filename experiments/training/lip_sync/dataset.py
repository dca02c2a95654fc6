"""Training data of the shipped expert: clips of people who speak, and the built-in face with other sentences."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lossweep.channels.errors import TrainingDataError
from lossweep.endpoints.clip import SPEECH_RATE, Clip
from lossweep.experiments.metrics.lip_sync.error import FPS
from lossweep.experiments.metrics.lip_sync.faces import FaceFinder, boxes
from lossweep.experiments.metrics.lip_sync.lossweep_sync import cepstra, lower_faces
from lossweep.experiments.metrics.lip_sync.mouth_geometry import measures
from lossweep.experiments.metrics.lip_sync.network import SyncNetwork
from lossweep.experiments.training.face.prepare import frames
from lossweep.experiments.training.face.split import clips_folder, people
from lossweep.experiments.training.lip_sync.augmentation import (
    FACE_VERSIONS,
    SPEECH_VERSIONS,
    WIDER_SIDE,
    augment_faces,
    augment_speech,
)
from lossweep.experiments.training.tts.recorded_clips import read_speech

SYNTHETIC = "portrait"
SENTENCES = (
    ("en-us+m3", "The birch canoe slid on the smooth planks while four hours of steady work faced us."),
    ("en-gb-x-rp", "Glue the sheet to the dark blue background, and rice is often served in round bowls."),
    ("en-us+f2", "The juice of lemons makes fine punch, but the box was thrown beside the parked truck."),
    ("en-us+m7", "Large size in stockings is hard to sell; the boy was there when the sun rose above."),
    ("en-gb-scotland", "A rod is used to catch pink salmon where the source of the huge river is clear."),
    ("en-us+f4", "Kick the ball straight and follow through, then help the woman get back to her feet."),
    ("en-us+Andy", "A pot of tea helps to pass the evening, and smoky fires lack flame and heat."),
    ("en-us+belinda", "The soft cushion broke the fall of a man who wanted to move over and buy a map."),
    ("en-029", "The salt breeze came across from the sea, and the girl at the booth sold fifty bonds."),
    (
        "en-us+klatt2",
        "Whom did you meet before the fog vanished? We pumped the ferry full of vapour by noon.",
    ),
    (
        "en-us+grandma",
        "Open your mouth and move both lips: maybe Bob will marry Phoebe above the bay of Fife.",
    ),
    ("en-us-nyc", "Why do five wolves watch us through the window of the empty yellow farm house?"),
)
"""Voice and sentences: Harvard sentences and a few with many labials; none of the built-in clip's."""


@dataclass(frozen=True)
class Example:
    """Features of one clip.

    Attributes:
        name: of its file.
        identity: the person; `SYNTHETIC` for the built-in face.
        held_out: see `split.Person`.
        faces: float32 [versions, frames, 141]; unaltered and mirrored only for a person held out.
        speech: float32 [versions, frames, 180]; unaltered only for a person held out.
    """

    name: str
    identity: str
    held_out: bool
    faces: NDArray[np.float32]
    speech: NDArray[np.float32]

    def __len__(self) -> int:
        return self.faces.shape[1]

    def shifted(self, late: int) -> Example:
        """The overlapping part after sound that is `late` frames late is aligned with its pictures."""
        stop = len(self) - abs(late)
        first = max(0, -late), max(0, late)
        seen, heard = (
            part[:, start : start + stop]
            for part, start in zip((self.faces, self.speech), first, strict=True)
        )
        return Example(self.name, self.identity, self.held_out, seen, heard)


def examples(data: Path, folder: Path, network: SyncNetwork) -> list[Example]:
    """All examples; features are computed once into `folder`.

    Args:
        data: holds the clips with manifest.csv (column has_speech and those of `split.people`).
        folder: for the features, 1 MB per second of clip.
        network: whose encoders give the features.
    Raises:
        TrainingDataError: no manifest.csv, a column is missing, or no clip has speech.
    """
    folder.mkdir(parents=True, exist_ok=True)
    finder, found = FaceFinder(), []
    for number, (name, identity, held_out, load) in enumerate(_sources(data)):
        path = folder / f"{name}.npz"
        if not path.exists():
            seen, heard = _features(load(), held_out, finder, network, number)
            part = path.with_suffix(".part.npz")
            np.savez(part, seen=seen.astype(np.float16), heard=heard.astype(np.float16))
            part.rename(path)
            print(f"{name}: {seen.shape[1]} frames", flush=True)
        with np.load(path) as kept:
            seen, heard = (kept[part].astype(np.float32) for part in ("seen", "heard"))
        found.append(Example(name, identity, held_out, seen, heard))
    if not any(not one.held_out for one in found):
        raise TrainingDataError(f"{data}: no clip has speech (column has_speech of manifest.csv)")
    return found


def _sources(data: Path) -> Iterator[tuple[str, str, bool, partial[Clip]]]:
    place = clips_folder(data)
    with (place / "manifest.csv").open(newline="", encoding="utf-8") as lines:
        rows = {row["file"]: row for row in csv.DictReader(lines)}
    for person in people(data):
        row = rows[person.file]
        if "has_speech" not in row:
            raise TrainingDataError(f"{place / 'manifest.csv'} must have the column has_speech")
        if row["has_speech"].startswith("yes"):
            yield person.file, person.identity, person.held_out, partial(_real, place / person.file)
    for number, (voice, text) in enumerate(SENTENCES):
        yield f"{SYNTHETIC}-{number}", SYNTHETIC, False, partial(_spoken, voice, text)


def _real(path: Path) -> Clip:
    return Clip(path.name, list(frames(path)), FPS, read_speech(path))


def _spoken(voice: str, text: str) -> Clip:
    from lossweep.endpoints.tts.espeak import speak
    from lossweep.experiments.clips.face import Face
    from lossweep.experiments.clips.portrait import poses

    speech, _, phonemes = speak(text, voice, 165)
    times_s = np.arange(len(speech) * FPS // SPEECH_RATE) / FPS
    face = Face(256)
    return Clip(voice, [face.draw(pose) for pose in poses(list(phonemes), times_s)], FPS, speech)


@torch.inference_mode()
def _features(
    clip: Clip, held_out: bool, finder: FaceFinder, network: SyncNetwork, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    frames = min(len(clip.video), len(clip.speech) * FPS // SPEECH_RATE)
    pictures, speech = clip.video[:frames], clip.speech[: frames * SPEECH_RATE // FPS]
    usual = finder.usual_points(pictures)
    points = finder.points(pictures, tuple(f"{seed} {i}" for i in range(frames)), usual)
    half = float(boxes(usual[None])[0, 2])
    wider, mouth = lower_faces(pictures, points, half, WIDER_SIDE), torch.from_numpy(measures(points, half))
    rng = np.random.default_rng(seed)
    seen = [
        network.features_seen(augment_faces(wider, look, rng), mouth)
        for look in range(2 if held_out else FACE_VERSIONS)
    ]
    heard = [
        network.features_heard(cepstra(augment_speech(speech, hearing, rng)))
        for hearing in range(1 if held_out else SPEECH_VERSIONS)
    ]
    return torch.stack(seen).numpy(), torch.stack(heard).numpy()
