"""What the report shows of a clip: frames of it, films with sound, and sound alone, at one loss rate."""

from __future__ import annotations

import base64
import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lossweep.channels.errors import LossweepError, MissingPackage
from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.experiments.clips.source import BUILT_IN
from lossweep.experiments.column import Column
from lossweep.experiments.sweep import Sweep
from lossweep.experiments.systems import systems

INSTANTS = 6
SIDE = 160
MOST_FIGURES = 4


@dataclass(frozen=True)
class Frame:
    """One frame of a strip: the picture as a data URI, and the frame's outcome."""

    data: str
    note: str


@dataclass(frozen=True)
class Strip:
    """Frames of one system, or of the original."""

    name: str
    frames: tuple[Frame, ...]


@dataclass(frozen=True)
class Recording:
    """A film or a sound.

    Attributes:
        data: the file as a data URI, or its place beside the page.
        figures: means of its metrics over all patterns at this loss.
        pictures: whether it is a film.
    """

    name: str
    data: str
    figures: str
    pictures: bool


@dataclass
class Screen:
    """What the page shows; where there are no frames or no recordings, why not ("" where there is nothing to say)."""

    strips: list[Strip] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    no_strips: str = ""
    no_recordings: str = ""


def screen(sweep: Sweep, directory: Path, loss: float, qualities: Sequence[Column]) -> Screen:
    """Frames of each system with pictures, films of systems, and the sound of those that send speech alone.

    Of each system the first clip under the first loss pattern. What is inside the page is of the built-in clip; films
    and sounds of other clips lie in `films/` beside it, since the page may be passed on where a clip may not.

    Args:
        loss: a loss rate of the sweep.
        qualities: whose means stand below a recording.
    """
    from lossweep.experiments.recompute import cell_of, restore

    if not (directory / "cells.sqlite").exists():
        return Screen(no_strips="the cells of this sweep are not kept in its folder")
    shown = Screen()
    clip_name = sweep.table["clip"].iloc[0]
    endpoints: set[str] = set()
    for system in reversed(systems(sweep)):
        at = system.table[(system.table["loss_rate"] == loss) & (system.table["clip"] == clip_name)]
        identifier = system.table["endpoint"].iloc[0]
        if at.empty or identifier in endpoints:
            continue
        endpoints.add(identifier)
        cell = at.sort_values("repetition")["cell"].iloc[0]
        try:
            clip, received = restore(cell, directory)
        except LossweepError as error:
            return Screen(no_strips=f"the clip cannot be shown: {error}")
        parameters = cell_of(cell, directory)
        inside = parameters.clip.source == BUILT_IN
        recorded = (
            received.clip.speech is not None or ENDPOINTS.get(parameters.endpoint_name).sends == "several"
        )
        if clip.video is not None and received.clip.video is not None:
            shown.strips.append(Strip(system.name, _frames(clip, received)))
        if recorded and not shown.no_recordings:
            try:
                data = record(directory / "films" / cell, received, inside)
                figures = _figures(system.table[system.table["loss_rate"] == loss], qualities)
                figures += "" if received.clip.speech is not None else "; no sound"
                pictures = received.clip.video is not None
                shown.recordings.append(Recording(system.name, data, figures, pictures))
            except MissingPackage as error:
                shown.recordings, shown.no_recordings = [], str(error)
    shown.strips.reverse()
    shown.recordings.reverse()
    if endpoints:
        _add_original(shown, clip, directory / "films" / "original", inside)
    if not shown.strips:
        shown.no_strips = "no system sends pictures"
    return shown


def record(path: Path, received: Playback, inside: bool) -> str:
    """What a page names as the source of a film or sound: the file itself as a data URI, or its place beside the page.

    Args:
        path: without suffix.
        inside: a data URI.
    Raises:
        MissingPackage: no ffmpeg program, or it failed.
    """
    from lossweep.experiments.mp4 import film, sound

    heard = received.clip
    with tempfile.TemporaryDirectory() as folder:
        file = (Path(folder) if inside else path.parent) / path.name
        file.parent.mkdir(exist_ok=True)
        if heard.video is not None:
            file = file.with_name(f"{file.name}.mp4")
            pictures = received.pictures(range(len(heard.video)))
            film(file, pictures, heard.fps, heard.speech, received.sound_late_s)
            kind = "video/mp4"
        else:
            file = file.with_name(f"{file.name}.m4a")
            sound(file, np.zeros(1, np.float32) if heard.speech is None else heard.speech)
            kind = "audio/mp4"
        return inline(file.read_bytes(), kind) if inside else f"{file.parent.name}/{file.name}"


def inline(data: bytes, kind: str) -> str:
    """A data URI; `kind` as "image/png"."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _frames(clip: Clip, received: Playback) -> tuple[Frame, ...]:
    at = _instants(clip)
    outcomes = received.outcomes(_length(clip))
    return tuple(_frame(p, outcomes[i]) for i, p in zip(at, received.pictures(at), strict=True))


def _instants(clip: Clip) -> list[int]:
    return [int(i) for i in np.linspace(0, _length(clip) - 1, INSTANTS + 2)[1:-1]]


def _length(clip: Clip) -> int:
    return 0 if clip.video is None else len(clip.video)


def _add_original(shown: Screen, clip: Clip, path: Path, inside: bool) -> None:
    if shown.strips and clip.video is not None:
        frames = tuple(_frame(clip.video[i], f"{i / clip.fps:.1f} s") for i in _instants(clip))
        shown.strips.insert(0, Strip("original", frames))
    if shown.recordings:
        pictures = any(recording.pictures for recording in shown.recordings)
        whole = Playback(clip if pictures else Clip(clip.name, speech=clip.speech))
        shown.recordings.insert(0, Recording("original", record(path, whole, inside), "", pictures))


def _figures(rows: pd.DataFrame, qualities: Sequence[Column]) -> str:
    there = [c for c in qualities if rows[c.name].notna().any()][:MOST_FIGURES]
    return ", ".join(
        f"{c.label} {rows[c.name].mean() * c.factor:.3g} {c.shown or c.unit}".strip() for c in there
    )


def _frame(pixels: NDArray[np.uint8], note: str) -> Frame:
    from PIL import Image

    height, width = pixels.shape[:2]
    size = (SIDE, max(1, round(SIDE * height / width)))
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize(size).save(buffer, "JPEG", quality=85)
    return Frame(inline(buffer.getvalue(), "image/jpeg"), note)
