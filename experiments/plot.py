"""Plots of a sweep: PNG, PDF, the CSV behind each, and its caption."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lossweep.experiments.caption import caption
from lossweep.experiments.curves import panels
from lossweep.experiments.figure import draw
from lossweep.experiments.panel import Panel
from lossweep.experiments.panel_axes import Reference
from lossweep.experiments.parts import MetricParams, named
from lossweep.experiments.styles import STYLES, export_panels
from lossweep.experiments.summary import main_qualities, typical_loss
from lossweep.experiments.sweep import PlotError, Sweep


def plot(
    directory: Path,
    x: str | None = None,
    y: Sequence[str] = (),
    facet: Sequence[str] = (),
    where: Sequence[str] = (),
    style: str | None = None,
    pgf: bool = False,
) -> list[Path]:
    """Draws a figure for each y; nothing is run.

    Args:
        x: column of the table; None is the scenario's.
        y: columns of the table; none are the scenario's, or else its metrics, those without values left out.
        facet: settings with a panel for each value; none are the scenario's. What varies in the network gets panels.
        where: conditions on rows, "column=value" or with !=, <=, >=.
        style: "ieee" or "slides": each panel in a PDF of its own, at the size in which it is printed.
        pgf: with a style, the panels as PGF for LaTeX too.
    Returns:
        The files, in `directory/plots`: `Y.png`, or `Y_by_X.png` where x is not the scenario's, and the same in PDF,
        CSV and TXT. Where neither x nor y is named, the metric of each medium against wire rate and delay as well, at
        the loss of the sweep nearest to the scenario's `report.loss_rate`.
    Raises:
        PlotError: an unknown column, or more than a figure can show; one line.
    """
    sweep = Sweep.read(directory).where(where)
    wanted = sweep.manifest["scenario"].get("plot", {})
    usual = wanted.get("x", "loss_rate")
    facet = facet or [name for name in wanted.get("facet", ()) if name in sweep.table]
    for name in (x or usual, *y, *facet):
        sweep.column(name)
    names = y or _usual(sweep, wanted.get("y") or ())
    folder = directory / "plots"
    folder.mkdir(exist_ok=True)
    files: list[Path] = []
    for name in names:
        stem = name if x in (None, usual) else f"{name}_by_{x}"
        files += _files(sweep, x or usual, name, facet, folder / stem, style, pgf)
    if x is None and not y:
        for at, across, name in prices(sweep):
            try:
                files += _files(at, across, name, facet, folder / f"{name}_by_{across}", style, pgf)
            except PlotError as error:
                print(f"lossweep: {name} against {across} is not drawn: {error}", file=sys.stderr)
    return files


def prices(sweep: Sweep) -> list[tuple[Sweep, str, str]]:
    """What quality costs: the sweep at its typical loss, a rate or delay, and the metric of each medium."""
    if "loss_rate" not in sweep.table:
        return []
    at = sweep.where([f"loss_rate={typical_loss(sweep)!r}"])
    return [
        (at, x, column.name)
        for column in main_qualities(sweep)
        for x in ("wire_bps", "shown_delay_s")
        if x in sweep.table and at.table[column.name].notna().any()
    ]


def _files(
    sweep: Sweep, x: str, y: str, facet: Sequence[str], stem: Path, style: str | None, pgf: bool
) -> list[Path]:
    """Draws y against x; `stem` is the path without suffix."""
    found = panels(sweep, x, y, [f for f in facet if f != x])
    if not found:
        raise PlotError(f"no cell has both {x} and {y}")
    text = caption(sweep, found, x, y)
    what = sweep.column(x), sweep.column(y), _level(sweep, y), references(sweep.manifest, x, y)
    if style is not None:
        return export_panels(found, *what, STYLES[style], stem, pgf)
    across, up, level, points = what
    drawn = draw(found, across, up, text, level, points)
    paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in ("png", "pdf", "csv", "txt")]
    drawn.savefig(paths[0], dpi=160, metadata={"Software": None})
    drawn.savefig(paths[1], metadata={"CreationDate": None})
    as_table(found, x).to_csv(paths[2], index=False)
    paths[3].write_text(text + "\n", encoding="utf-8")
    return paths


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
    """The points that are drawn: panel, endpoint, curve, x under its own name, mean, lower, upper, n, clips, patterns.

    `patterns` is the values of the loss patterns, with blanks between them.
    """
    parts = [
        curve.points[["x", "mean", "lower", "upper", "n", "clips"]]
        .rename(columns={"x": x})
        .assign(
            panel=panel.title,
            endpoint=curve.identifier,
            curve=curve.name,
            patterns=[" ".join(f"{value:.6g}" for value in one) for one in curve.points["patterns"]],
        )
        for panel in found
        for curve in panel.curves
    ]
    names = ["panel", "endpoint", "curve", x, "mean", "lower", "upper", "n", "clips", "patterns"]
    return pd.concat(parts)[names]


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
