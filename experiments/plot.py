"""Plots of a sweep: PNG, PDF, the CSV behind each, and its caption."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lossweep.experiments.caption import caption
from lossweep.experiments.curves import Panel, panels
from lossweep.experiments.figure import Reference, draw
from lossweep.experiments.parts import MetricParams, named
from lossweep.experiments.sweep import PlotError, Sweep


def plot(
    directory: Path,
    x: str | None = None,
    y: Sequence[str] = (),
    facet: Sequence[str] = (),
    where: Sequence[str] = (),
) -> list[Path]:
    """Draws a figure for each y; nothing is run.

    Args:
        x: column of the table; None is the scenario's.
        y: columns of the table; none are the scenario's, or else its metrics, those without values left out.
        facet: settings with a panel for each value; none are the scenario's. What varies in the network gets panels.
        where: conditions on rows, "column=value" or with !=, <=, >=.
    Returns:
        The files, in `directory/plots`: `Y.png`, or `Y_by_X.png` where x is not the scenario's, and the same in PDF,
        CSV and TXT.
    Raises:
        PlotError: an unknown column, or more than a figure can show; one line.
    """
    sweep = Sweep.read(directory).where(where)
    wanted = sweep.manifest["scenario"].get("plot", {})
    usual = wanted.get("x", "loss_rate")
    x = x or usual
    facet = facet or [name for name in wanted.get("facet", ()) if name in sweep.table]
    for name in (x, *y, *facet):
        sweep.column(name)
    names = y or _usual(sweep, wanted.get("y") or ())
    folder = directory / "plots"
    folder.mkdir(exist_ok=True)
    files: list[Path] = []
    for name in names:
        found = panels(sweep, x, name, [f for f in facet if f != x])
        if not found:
            raise PlotError(f"no cell has both {x} and {name}")
        text = caption(sweep, found, x, name)
        drawn = draw(
            found,
            sweep.column(x),
            sweep.column(name),
            text,
            _level(sweep, name),
            references(sweep.manifest, x, name),
        )
        stem = name if x == usual else f"{name}_by_{x}"
        paths = [folder / f"{stem}.{suffix}" for suffix in ("png", "pdf", "csv", "txt")]
        drawn.savefig(paths[0], dpi=160, metadata={"Software": None})
        drawn.savefig(paths[1], metadata={"CreationDate": None})
        as_table(found, x).to_csv(paths[2], index=False)
        paths[3].write_text(text + "\n")
        files += paths
    return files


def _usual(sweep: Sweep, wanted: Sequence[str]) -> list[str]:
    """What is drawn where nothing is named: the scenario's columns, or those named as its metrics.

    Raises:
        PlotError: none of them has values.
    """
    scenario = sweep.manifest["scenario"]
    metrics = [named(MetricParams, metric).name for metric in scenario.get("metrics") or ()]
    for names in (wanted, metrics):
        found = [name for name in names if name in sweep.table and sweep.table[name].notna().any()]
        if found:
            return found
    asked = ", ".join(dict.fromkeys([*wanted, *metrics])) or "any metric"
    raise PlotError(
        f"no cell has a value of {asked}; name the columns to draw (--y NAME; `lossweep columns` lists them)"
    )


def as_table(found: Sequence[Panel], x: str) -> pd.DataFrame:
    """The points that are drawn: panel, endpoint, curve, x under its own name, mean, lower, upper, n, clips."""
    parts = [
        curve.points.rename(columns={"x": x}).assign(
            panel=panel.title, endpoint=curve.identifier, curve=curve.name
        )
        for panel in found
        for curve in panel.curves
    ]
    return pd.concat(parts)[["panel", "endpoint", "curve", x, "mean", "lower", "upper", "n", "clips"]]


def references(manifest: Any, x: str, y: str) -> list[Reference]:
    """Published points of the scenario's `reference` for these axes."""
    return [
        Reference(
            entry["label"], *(tuple(map(float, values)) for values in zip(*entry["points"], strict=True))
        )
        for entry in manifest["scenario"].get("reference") or ()
        if (entry["x"], entry["y"]) == (x, y)
    ]


def _level(sweep: Sweep, y: str) -> float | None:
    """The metric's value of the clips themselves, where the table has it."""
    clean = f"{y}_clean"
    if clean not in sweep.table or not sweep.table[clean].notna().any():
        return None
    return float(sweep.table.drop_duplicates("clip")[clean].mean())
