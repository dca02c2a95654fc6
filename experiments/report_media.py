"""What the report shows of a clip: frames of it, and films with sound."""

from __future__ import annotations

import base64
import io
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from lossweep.channels.errors import LossweepError
from lossweep.endpoints.clip import Clip, Playback
from lossweep.experiments.clips.source import BUILT_IN

INSTANTS = 6
FIGURES = {"lpips": "LPIPS", "pesq": "PESQ", "lse_d": "LSE-D", "lse_c": "LSE-C"}


class Screen(NamedTuple):
    """What the page shows of a clip; where there are no strips or no films, why not.

    Attributes:
        strips: name, and frames (data URI, note).
        films: name, data URI or place beside the page, figures.
        no_strips: why there are none.
        no_films: why there are none; "" where the sweep has no system with pictures.
    """

    strips: list[dict[str, Any]]
    films: list[dict[str, Any]]
    no_strips: str
    no_films: str


NOTHING = Screen([], [], "left out on request", "")


def screen(table: pd.DataFrame, manifest: dict[str, Any], directory: Path) -> Screen:
    """Frames of each endpoint and films of each system, at the table's loss rate nearest the wanted one."""
    from lossweep.experiments.recompute import restore
    from lossweep.experiments.store import Store

    wanted = manifest["scenario"]["report"]["loss_rate"]
    near = table.loc[(table["loss_rate"] - wanted).abs().idxmin(), "loss_rate"]
    first = table["clip"].iloc[0]
    part = table[(table["loss_rate"] == near) & (table["repetition"] == 0) & (table["clip"] == first)]
    shown = Screen([], [], "the clip has no pictures", "")
    for _, row in part.drop_duplicates("endpoint", keep="last").iterrows():
        try:
            clip, received = restore(row["cell"], directory)
        except (LossweepError, TypeError) as error:
            return Screen([], [], f"the clip is not to be had: {error}", "")
        if clip.video is None or received.clip.video is None:
            continue
        _add_strip(shown.strips, row["endpoint"], clip, received)
        cell = Store(directory).cell(row["cell"])
        if cell["endpoint"]["name"] == "system" and not shown.no_films:
            inside = cell["clip"]["source"] == BUILT_IN
            try:
                _add_film(shown.films, row, table, clip, received, directory / "films", inside)
            except LossweepError as error:
                shown = shown._replace(films=[], no_films=str(error))
    return shown


def _add_strip(strips: list[dict[str, Any]], name: str, clip: Clip, received: Playback) -> None:
    at = np.linspace(0, len(clip.video) - 1, INSTANTS + 2).astype(int)[1:-1]
    if not strips:
        pictures = [_frame(clip.video[i], f"{i / clip.fps:.1f} s") for i in at]
        strips.append({"name": "original", "frames": pictures})
    shown = [
        _frame(picture, received.outcome[i]) for i, picture in zip(at, received.pictures(at), strict=True)
    ]
    strips.append({"name": name, "frames": shown})


def _add_film(
    films: list[dict[str, Any]],
    row: pd.Series,
    table: pd.DataFrame,
    clip: Clip,
    received: Playback,
    folder: Path,
    inside: bool,
) -> None:
    if not films:
        data = _film(folder / "original.mp4", Playback(clip), inside)
        films.append({"name": "original", "data": data, "figures": ""})
    data = _film(folder / f"{row['cell']}.mp4", received, inside)
    same = table[(table["endpoint"] == row["endpoint"]) & (table["loss_rate"] == row["loss_rate"])]
    for key in ("gop", "mean_burst_length"):
        if key in table and row[key] == row[key]:
            same = same[same[key] == row[key]]
    means = {
        name: same[key].mean() for key, name in FIGURES.items() if key in same and same[key].notna().any()
    }
    silent = ["no sound"] if received.clip.speech is None else []
    figures = ", ".join([f"{name} {value:.3g}" for name, value in means.items()] + silent)
    if "LSE-D" in means:
        figures += f"; LSE by {', '.join(same['lse_expert'].dropna().unique())}"
    films.append({"name": row["endpoint"], "data": data, "figures": figures})


def _film(path: Path, received: Playback, inside: bool) -> str:
    """What a page names as the film's source: the film itself, or its place beside the page."""
    from lossweep.experiments.mp4 import film

    shown = received.clip
    pictures = received.pictures(range(len(shown.video)))
    if not inside:
        path.parent.mkdir(exist_ok=True)
        film(path, pictures, shown.fps, shown.speech, received.sound_late_s)
        return f"{path.parent.name}/{path.name}"
    with tempfile.TemporaryDirectory() as folder:
        film(Path(folder) / path.name, pictures, shown.fps, shown.speech, received.sound_late_s)
        return inline((Path(folder) / path.name).read_bytes(), "video/mp4")


def _frame(pixels: np.ndarray, note: str) -> dict[str, str]:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((160, 160)).save(buffer, "JPEG", quality=85)
    return {"data": inline(buffer.getvalue(), "image/jpeg"), "note": note}


def inline(data: bytes, kind: str) -> str:
    """A data URI; `kind` as "image/png"."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
