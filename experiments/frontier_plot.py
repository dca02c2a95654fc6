"""Figures of a frontier: curves of the cheapest wire rate, and the map of the cheapest scheme."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lossweep.experiments.column import Column
from lossweep.experiments.confidence import FEWEST, method
from lossweep.experiments.figure import draw
from lossweep.experiments.frontier import RATE, Question
from lossweep.experiments.labels import Label
from lossweep.experiments.looks import COLOURS, SIZE
from lossweep.experiments.panel import Curve, Panel
from lossweep.experiments.sweep import Sweep

CELL_INCHES = (0.78, 0.5)
NOTHING = "#e4e4e4"
LIGHTER = 0.45
"""Share of white in the colours of the map, so that text is readable on them."""


def write(sweep: Sweep, asked: Question, found: pd.DataFrame, folder: Path) -> list[Path]:
    """Writes `frontier.csv`, the curves and, where the network varies in two things, the map, as PNG and PDF."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "frontier.csv"]
    named = {"x": asked.x, "y": asked.y or "y"}
    found.drop(columns=[] if asked.y else ["y"]).rename(columns=named).to_csv(files[0], index=False)
    x = sweep.column(asked.x)
    figures = {"frontier": curves(sweep, asked, found)} if found["met"].any() else {}
    if asked.y is not None:
        figures["map"] = draw_map(found, x, sweep.column(asked.y), caption(sweep, asked))
    for name, figure in figures.items():
        for suffix, metadata in (("png", {"Software": None}), ("pdf", {"CreationDate": None})):
            files.append(folder / f"{name}.{suffix}")
            figure.savefig(files[-1], dpi=160, metadata=metadata)
    return files


def caption(sweep: Sweep, asked: Question) -> str:
    """What a figure says of itself."""
    targets = " and ".join(
        f"{sweep.column(t.column).label} {t.sign} {sweep.column(t.column).text(t.limit)}"
        for t in asked.targets
    )
    patterns = sweep.table.groupby(["seed"])["repetition"].nunique().max() if "seed" in sweep.table else 1
    clips = list(map(str, sweep.table["clip"].unique()))
    shown = f"Clip {clips[0]}" if len(clips) == 1 else f"Mean over {len(clips)} clips"
    return (
        f"Target: {targets}, within {1000 * asked.delay_s:g} ms from capture to display. {shown}; up to {patterns} "
        "loss patterns. A scheme is left out where none of its settings meets the target."
    )


def curves(sweep: Sweep, asked: Question, found: pd.DataFrame) -> Figure:
    """The cheapest wire rate of each scheme against x, a panel for each value of y."""
    panels = []
    for y, part in found[found["met"]].groupby("y", dropna=False):
        inner = []
        for scheme, rows in part.groupby("scheme", sort=False):
            points = pd.DataFrame(
                {
                    "x": rows["x"],
                    "mean": rows[RATE],
                    "lower": rows[f"{RATE}_lower"],
                    "upper": rows[f"{RATE}_upper"],
                    "n": rows["n"],
                    "patterns": [np.empty(0)] * len(rows),
                    "clips": 1,
                }
            ).sort_values("x")
            inner.append(Curve(Label(str(scheme)), "", points, str(scheme)))
        panels.append(Panel("" if asked.y is None else row_name(sweep.column(asked.y), y), "", tuple(inner)))
    certain = found.loc[found["met"], "n"].min() >= FEWEST
    text = f"{caption(sweep, asked)} Cheapest wire rate; mean{f' and {method()}' if certain else ''}."
    return draw(panels, sweep.column(asked.x), sweep.column(RATE), text)


def percent(share: float) -> str:
    """An overhead with its sign: "+33 %", "0 %"."""
    value = round(100 * share)
    return f"{value:+d} %" if value else "0 %"


def row_name(column: Column, value: object) -> str:
    """A value of y in words; networks that have no such value have independent losses."""
    if isinstance(value, float) and np.isnan(value):
        return "independent losses"
    return f"{column.label} {column.text(value)}"


def draw_map(found: pd.DataFrame, x: Column, y: Column, text: str) -> Figure:
    """The map: colour is the cheapest scheme, the number its overhead, lines are contours of the overhead."""
    xs = sorted(found["x"].unique())
    ys = sorted(found["y"].unique(), key=lambda value: -np.inf if pd.isna(value) else value)
    best = found[found["cheapest"]].drop_duplicates(["x", "y"])
    schemes = list(best["scheme"].value_counts().index)
    colours = {scheme: _light(COLOURS[i % len(COLOURS)]) for i, scheme in enumerate(schemes)}
    overhead = np.full((len(ys), len(xs)), np.nan)
    with mpl.rc_context(SIZE):
        width, height = 1.5 + CELL_INCHES[0] * len(xs), 1.1 + CELL_INCHES[1] * len(ys)
        names = ["\n".join(textwrap.wrap(scheme, 38)) for scheme in schemes]
        lines = textwrap.wrap(
            f"{text} Number: wire rate over that of the cheapest setting without repair, less 1 (dotted: its "
            "contours); in brackets where the 95 % interval of the target reaches beyond it.",
            int((width + 3.2) * 17.5),
        )
        below = 0.16 * len(lines)
        figure = Figure(figsize=(width + 3.2, max(height, 0.35 * len(names) + 1.2) + below))
        FigureCanvasAgg(figure)
        wide, high = figure.get_size_inches()
        axis = figure.add_axes(
            (1.3 / wide, (0.65 + below) / high, (width - 1.5) / wide, (high - 1.0 - below) / high)
        )
        for row, y_value in enumerate(ys):
            for place, x_value in enumerate(xs):
                here = best[(best["x"] == x_value) & _same(best["y"], y_value)]
                colour = NOTHING if here.empty else colours[here["scheme"].iloc[0]]
                axis.add_patch(
                    mpl.patches.Rectangle((place - 0.5, row - 0.5), 1, 1, fc=colour, ec="white", lw=1.5)
                )
                if here.empty:
                    continue
                overhead[row, place] = here["overhead"].iloc[0]
                shown = percent(overhead[row, place])
                sure = bool(here["certain"].iloc[0])
                axis.text(place, row, shown if sure else f"({shown})", ha="center", va="center", fontsize=8)
        _contours(axis, overhead)
        axis.set(
            xlim=(-0.5, len(xs) - 0.5), ylim=(-0.5, len(ys) - 0.5), xlabel=x.heading(), ylabel=y.heading()
        )
        axis.set_xticks(range(len(xs)), [f"{value * x.factor:.4g}" for value in xs])
        axis.set_yticks(range(len(ys)), ["independent" if pd.isna(v) else f"{v * y.factor:.4g}" for v in ys])
        for spine in axis.spines.values():
            spine.set_visible(False)
        axis.tick_params(length=0)
        axis.set_title("Cheapest scheme that meets the target, and its overhead", loc="left")
        patches = [
            Patch(color=colours[scheme], label=name) for scheme, name in zip(schemes, names, strict=True)
        ]
        if np.isnan(overhead).any():
            patches.append(Patch(color=NOTHING, label="no scheme meets the target"))
        axis.legend(handles=patches, loc="upper left", bbox_to_anchor=(1.02, 1.0), frameon=False, fontsize=8)
        figure.text(0.1 / wide, 0.1 / high, "\n".join(lines), fontsize=7.5, color="#444444")
        return figure


def _contours(axis: mpl.axes.Axes, overhead: np.ndarray) -> None:
    """Contours of the overhead at 10, 25, 50, 100 and 200 %, where the map is large enough for them."""
    if min(overhead.shape) < 3 or np.isfinite(overhead).sum() < 6:
        return
    levels = [
        level for level in (0.1, 0.25, 0.5, 1.0, 2.0) if np.nanmin(overhead) < level < np.nanmax(overhead)
    ]
    if levels:
        axis.contour(
            np.ma.masked_invalid(overhead), levels=levels, colors="#333333", linewidths=0.7, linestyles=":"
        )


def _same(values: pd.Series, value: float | str) -> pd.Series:
    return values.isna() if pd.isna(value) else values == value


def _light(colour: str) -> tuple[float, float, float]:
    red, green, blue = mpl.colors.to_rgb(colour)
    return tuple(LIGHTER + (1 - LIGHTER) * part for part in (red, green, blue))  # type: ignore[return-value]


def sentences(found: pd.DataFrame, x: Column, y: Column | None) -> Sequence[str]:
    """One line per state of the network: the cheapest scheme with its setting, rate and overhead."""
    lines = []
    for (value, other), rows in found.groupby(["x", "y"], dropna=False):
        at = f"{x.label} {x.text(value)}" + ("" if y is None else f", {row_name(y, other)}")
        best = rows[rows["cheapest"]]
        if best.empty:
            lines.append(f"{at}: no scheme meets the target")
            continue
        first = best.iloc[0]
        setting = f" ({first['setting']})" if first["setting"] else ""
        lines.append(
            f"{at}: {first['scheme']}{setting}, {first[RATE] / 1000:.0f} kbit/s, {percent(first['overhead'])}"
            + ("" if first["certain"] else ", not certain")
        )
    return lines
