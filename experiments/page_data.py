"""What the page holds beside its text: figures, and the cells that fit into it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lossweep.channels.errors import LossweepError
from lossweep.experiments.caption import caption
from lossweep.experiments.cell_view import CellView, Original, original, view
from lossweep.experiments.clips.source import BUILT_IN
from lossweep.experiments.curves import panels
from lossweep.experiments.interactive import Data, figure
from lossweep.experiments.plot import prices, references
from lossweep.experiments.recompute import cell_of, replay
from lossweep.experiments.report_media import Screen, title_of
from lossweep.experiments.sweep import PlotError, Sweep
from lossweep.experiments.systems import systems

MOST_CELLS, MOST_SECONDS = 40, 60.0
"""Cells computed again for a page beside those of its screen, and the time after which no further one is begun."""


@dataclass(frozen=True)
class Drawn:
    """A figure of the page: heading, caption, and the figure itself; `problem` where it cannot be drawn."""

    heading: str
    caption: str = ""
    figure: Data = field(default_factory=dict)
    problem: str = ""


def figures(sweep: Sweep) -> tuple[list[Drawn], list[Drawn]]:
    """The scenario's plots, one figure per question; and quality against wire rate and delay, at a typical loss."""
    wanted = sweep.manifest["scenario"].get("plot", {})
    x = wanted.get("x", "loss_rate")
    there = [y for y in wanted.get("y", ()) if y in sweep.table and sweep.table[y].notna().any()]
    plots = [_drawn(sweep, x, y) for y in there]
    costs = []
    for at, across, name in prices(sweep):
        loss = f"{100 * at.table['loss_rate'].iloc[0]:g} %"
        costs.append(_drawn(at, across, name, f", at {loss} loss"))
    return plots, costs


def _drawn(sweep: Sweep, x: str, y: str, where: str = "") -> Drawn:
    heading = f"{sweep.column(y).label} against {sweep.column(x).label}{where}"
    heading = heading[0].upper() + heading[1:]
    wanted = sweep.manifest["scenario"].get("plot", {}).get("facet", ())
    try:
        found = panels(sweep, x, y, [name for name in wanted if name in sweep.table and name != x])
        if not found:
            return Drawn(heading, problem=f"no cell has both {x} and {y}")
        points = references(sweep.manifest, x, y)
        made = figure(sweep, found, sweep.column(x), sweep.column(y), points)
        return Drawn(heading, caption(sweep, found, x, y), made)
    except PlotError as error:
        return Drawn(heading, problem=str(error))


def look(sweep: Sweep, name: str, directory: Path) -> tuple[CellView, Original]:
    """A cell computed again, and the clip beside it.

    Raises:
        LossweepError: the store has no such cell, or its clip is no longer here.
    """
    again = replay(name, directory)
    return view(sweep, name, title_of(sweep, name), again), original(again.clip)


def add_cells(sweep: Sweep, directory: Path, loss: float, shown: Screen, room: int) -> None:
    """Adds views of the built-in clip to those of the screen, nearest to a loss rate first.

    It ends when the room is used, or the time: a cell of a system that renders pictures takes half a minute.

    Args:
        room: bytes that the page may still grow by.
    """
    begun = time.monotonic()
    for name in candidates(sweep, loss)[:MOST_CELLS]:
        if name in shown.views:
            continue
        if time.monotonic() - begun > MOST_SECONDS:
            return
        try:
            if cell_of(name, directory).clip.source != BUILT_IN:
                continue
            one, clip = look(sweep, name, directory)
        except LossweepError:
            return
        room -= len(as_json(asdict(one)))
        if room < 0:
            return
        shown.views[name] = one
        shown.originals.setdefault(one.clip, clip)


def candidates(sweep: Sweep, loss: float) -> list[str]:
    """The first pattern of each system at each loss rate, those nearest to `loss` first."""
    if not {"cell", "repetition"} <= set(sweep.table):
        return []
    if "loss_rate" not in sweep.table:
        return [str(system.table.sort_values("repetition")["cell"].iloc[0]) for system in systems(sweep)]
    found = []
    for system in systems(sweep):
        for at, rows in system.table.groupby("loss_rate"):
            found.append((abs(float(at) - loss), str(rows.sort_values("repetition")["cell"].iloc[0])))  # type: ignore[arg-type]
    return [name for _, name in sorted(found, key=lambda one: one[0])]


def page_data(drawn: Sequence[Drawn], shown: Screen, live: bool) -> str:
    """The data of the page as JSON that may stand in a script element.

    Args:
        live: a server answers for cells that are not in the page.
    """
    data = {
        "figures": [one.figure for one in drawn],
        "cells": {name: asdict(one) for name, one in shown.views.items()},
        "clips": {name: asdict(one) for name, one in shown.originals.items()},
        "live": live,
    }
    return as_json(data)


def as_json(data: Any) -> str:
    """JSON that may stand in a script element.

    Raises:
        ValueError: a number that is not finite.
    """
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
