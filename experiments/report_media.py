"""What the report shows of a clip: frames of it, films with sound, and sound alone, at one loss rate."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import pandas as pd

from lossweep.channels.errors import LossweepError, MissingPackage
from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.experiments.cell_view import CellView, Frame, Original, original, record, view
from lossweep.experiments.clips.source import BUILT_IN
from lossweep.experiments.column import Column
from lossweep.experiments.sweep import Sweep
from lossweep.experiments.systems import System, systems

MOST_FIGURES = 4
MOST_SECONDS = 120.0
"""Time after which no further system is computed again: one that renders pictures or speech takes up to a minute."""


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
        cell: the id of the cell; "" of the original.
    """

    name: str
    data: str
    figures: str
    pictures: bool
    cell: str = ""


@dataclass
class Screen:
    """What the page shows; where there are no frames or no recordings, why not ("" where there is nothing to say).
    `left_out` says how many systems are not shown, "" where all are.

    `views` are those of the cells shown, of the built-in clip alone, by id; `originals` their clips by name. The film
    of a cell with a recording is in that, and not in its view.
    """

    strips: list[Strip] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    views: dict[str, CellView] = field(default_factory=dict)
    originals: dict[str, Original] = field(default_factory=dict)
    left_out: str = ""
    no_strips: str = ""
    no_recordings: str = ""


def screen(sweep: Sweep, directory: Path, loss: float, qualities: Sequence[Column]) -> Screen:
    """Frames of each system with pictures, films of systems, and the sound of those that send speech alone.

    Of each system the first clip under the first loss pattern. What is inside the page is of the built-in clip; films
    and sounds of other clips lie in `films/` beside it, since the page may be passed on where a clip may not. After
    MOST_SECONDS no further system is begun; the first ones are of different kinds.

    Args:
        loss: a loss rate of the sweep.
        qualities: whose means stand below a recording.
    """
    from lossweep.experiments.recompute import replay

    shown = Screen()
    clip_name = sweep.table["clip"].iloc[0]
    order, chosen = _chosen(sweep, loss, clip_name)
    begun = time.monotonic()
    strips: dict[str, Strip] = {}
    recordings: dict[str, Recording] = {}
    first = None
    for number, (system, cell) in enumerate(chosen):
        if number and time.monotonic() - begun > MOST_SECONDS:
            shown.left_out = f"{number} of {len(chosen)} systems; `lossweep serve` shows every cell of each."
            break
        try:
            again = replay(cell, directory)
        except LossweepError as error:
            return Screen(no_strips=f"the clip cannot be shown: {error}")
        clip, received = again.clip, again.playback
        inside = again.cell.clip.source == BUILT_IN
        first = first or (clip, inside)
        sends = ENDPOINTS.get(again.cell.endpoint_name).sends
        recorded = received.clip.speech is not None or sends == "several"
        seen = view(sweep, cell, title_of(sweep, cell), again, with_film=inside and not recorded)
        if seen.frames:
            strips[cell] = Strip(system.name, seen.frames)
        if inside:
            shown.views[cell] = seen
            shown.originals[seen.clip] = original(clip)
        if recorded and not shown.no_recordings:
            try:
                data = record(directory / "films" / cell, received, inside)
                figures = _figures(system.table[system.table["loss_rate"] == loss], qualities)
                figures += "" if received.clip.speech is not None else "; no sound"
                pictures = received.clip.video is not None
                recordings[cell] = Recording(system.name, data, figures, pictures, cell)
            except MissingPackage as error:
                shown.no_recordings = str(error)
    shown.strips = [strips[cell] for cell in order if cell in strips]
    shown.recordings = [] if shown.no_recordings else [recordings[c] for c in order if c in recordings]
    if first is not None:
        _add_original(shown, first[0], directory / "films" / "original", first[1])
    if not shown.strips:
        shown.no_strips = "no system sends pictures"
    return shown


def _chosen(sweep: Sweep, loss: float, clip: str) -> tuple[list[str], list[tuple[System, str]]]:
    """The cells to show, in the order of the page; and with their systems in the order in which they are computed:
    one of each kind of endpoint, then a second one of each, and so on.
    """
    found: dict[str, tuple[System, str]] = {}
    for system in systems(sweep):
        at = system.table[(system.table["loss_rate"] == loss) & (system.table["clip"] == clip)]
        if not at.empty:
            cell = str(at.sort_values("repetition")["cell"].iloc[0])
            found.setdefault(str(system.table["endpoint"].iloc[0]), (system, cell))
    rounds: Counter[str] = Counter()
    ranked = []
    for system, cell in found.values():
        ranked.append((rounds[system.label.system], system, cell))
        rounds[system.label.system] += 1
    ranked.sort(key=lambda one: one[0])
    return [cell for _, cell in found.values()], [(system, cell) for _, system, cell in ranked]


def title_of(sweep: Sweep, cell: str) -> str:
    """A cell in words: system, condition, loss, loss pattern."""
    row = sweep.table[sweep.table["cell"] == cell].iloc[0]
    words = [_names(sweep)[cell]]
    if "loss_rate" in row and pd.notna(row["loss_rate"]):
        words.append(f"{100 * row['loss_rate']:g} % loss")
    if sweep.table["clip"].nunique() > 1:
        words.append(f"clip {row['clip']}")
    if "repetition" in row:
        words.append(f"loss pattern {int(row['repetition']) + 1}")
    return ", ".join(words)


@lru_cache(maxsize=2)
def _names(sweep: Sweep) -> dict[str, str]:
    """The name of the system of each cell."""
    return {cell: system.name for system in systems(sweep) for cell in system.table["cell"]}


def _add_original(shown: Screen, clip: Clip, path: Path, inside: bool) -> None:
    if shown.strips and clip.video is not None:
        shown.strips.insert(0, Strip("original", original(clip).frames))
    if shown.recordings:
        pictures = any(recording.pictures for recording in shown.recordings)
        whole = Playback(clip if pictures else Clip(clip.name, speech=clip.speech))
        shown.recordings.insert(0, Recording("original", record(path, whole, inside), "", pictures))


def _figures(rows: pd.DataFrame, qualities: Sequence[Column]) -> str:
    there = [c for c in qualities if rows[c.name].notna().any()][:MOST_FIGURES]
    return ", ".join(
        f"{c.label} {rows[c.name].mean() * c.factor:.3g} {c.shown or c.unit}".strip() for c in there
    )
