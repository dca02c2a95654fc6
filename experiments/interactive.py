"""Panels of curves as figures of Plotly: curves that can be switched, values on hovering, cells on a click."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lossweep.experiments.column import Column
from lossweep.experiments.confidence import FEWEST
from lossweep.experiments.figure import heading, references_in_panel
from lossweep.experiments.layout import name_in_panel
from lossweep.experiments.looks import Look, looks
from lossweep.experiments.panel import RATES, Curve, Panel
from lossweep.experiments.panel_axes import (
    GREY,
    Reference,
    covered,
    dots,
    is_logarithmic,
    lies_flat,
    limits_of,
    span,
)
from lossweep.experiments.sweep import Sweep

DASHES = {"-": "solid", "--": "dash", ":": "dot", "-.": "dashdot", "": "solid"}
SYMBOLS = {
    "o": "circle",
    "s": "square",
    "^": "triangle-up",
    "D": "diamond",
    "v": "triangle-down",
    "P": "cross",
    "X": "x",
}
PANEL_HEIGHT, SINGLE_HEIGHT, MARGIN = 270, 380, 70
"""Pixels."""
MOST_CELLS = 20
"""Cells that a point names."""
Data = dict[str, Any]
"""A Plotly trace, layout or figure, as JSON data."""


@dataclass(frozen=True)
class Scale:
    """Where values stand on an axis. Plotly's logarithmic axis has no 0; this one has, below its smallest decade."""

    logarithmic: bool
    least: float = 0.0
    largest: float = 0.0

    @classmethod
    def of(cls, values: np.ndarray, logarithmic: bool) -> Scale:
        """The scale of these values."""
        positive = values[values > 0]
        if not logarithmic or not positive.size:
            return cls(False)
        least = positive.min() if positive.size == values.size else 10 ** np.floor(np.log10(positive.min()))
        return cls(True, float(least), float(positive.max()))

    def places(self, values: Any) -> list[float | None]:
        """The places of values; None of nan."""
        array = np.asarray(values, dtype=float)
        if self.logarithmic:
            array = np.log10(np.maximum(array, self.least / 3))
        return [None if np.isnan(v) else float(v) for v in array]

    def axis(self) -> Data:
        """What the axis needs beside its title: for a logarithmic one, its numbers."""
        if not self.logarithmic:
            return {}
        first, last = (int(np.floor(np.log10(v))) for v in (self.least, self.largest))
        ticks = [factor * 10.0**power for power in range(first, last + 1) for factor in (1, 2, 5)]
        ticks = [t for t in ticks if self.least <= t <= self.largest * 1.001]
        if last - first > 1:
            ticks = [10.0**power for power in range(first, last + 2) if 10.0**power <= self.largest * 2]
        return {"tickvals": self.places([0.0, *ticks]), "ticktext": ["0", *(f"{t:g}" for t in ticks)]}


def figure(
    sweep: Sweep, panels: Sequence[Panel], x: Column, y: Column, references: Sequence[Reference] = ()
) -> Data:
    """A figure of Plotly, as JSON data: keys data, layout, height.

    Each point's `customdata` names its cells, separated by blanks.
    """
    styles = looks(panels)
    columns = 1 if len(panels) == 1 else 2
    rows = -(-len(panels) // columns)
    height = SINGLE_HEIGHT if rows == 1 else rows * PANEL_HEIGHT
    across, up = limits_of(panels, x, y, None, references)
    scales = Scale.of(across, is_logarithmic(x, across)), Scale.of(up, y.log)
    traces: list[Data] = []
    named: dict[str, Look | None] = {}
    titles: list[Data] = []
    axes: Data = {}
    for number, panel in enumerate(panels, 1):
        suffix = "" if number == 1 else str(number)
        place: Data = {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}
        for curve in panel.context:
            traces.append(place | _line(curve, x, y, scales) | _grey())
        for curve, behind in zip(panel.curves, covered(panel, y), strict=True):
            name = name_in_panel(curve, panel)
            if named.get(name, styles[curve.name]) != styles[curve.name]:
                name = curve.name  # the legend has this name with another look already
            traces += [
                place | one
                for one in _traces(
                    sweep, curve, styles[curve.name], x, y, scales, name, name not in named, behind
                )
            ]
            named[name] = styles[curve.name]
        for reference in references_in_panel(panel, references):
            traces.append(place | _published(reference, x, y, scales, reference.label not in named))
            named[reference.label] = None
        lowest = number > len(panels) - columns
        flat = lies_flat(panel, y, up)
        titles.append(_title(f"{panel.title} (own scale)" if flat else panel.title, suffix))
        axes[f"xaxis{suffix}"] = _axis(x.heading() if lowest else "", scales[0]) | {"matches": "x"}
        if x.role in ("rate", "network") and not scales[0].logarithmic:
            axes[f"xaxis{suffix}"]["range"] = [0, 1.08 * float(across.max()) or 1.0]
        leftmost = number % columns == 1 % columns
        axes[f"yaxis{suffix}"] = _axis(heading(y).replace("\n", " ") if leftmost else "", scales[1])
        if not scales[1].logarithmic:
            shown = limits_of([panel], x, y)[1] if flat else up
            axes[f"yaxis{suffix}"]["range"] = list(span(y, shown))
    layout = {
        "grid": {"rows": rows, "columns": columns, "pattern": "independent", "xgap": 0.12, "ygap": 0.22},
        "annotations": titles,
        "height": height + MARGIN,
        "margin": {"l": 65, "r": 10, "t": 30, "b": 50},
        "hovermode": "closest",
        "legend": {"font": {"size": 12}, "tracegroupgap": 0},
        "plot_bgcolor": "white",
        "font": {"family": "system-ui, sans-serif", "size": 13},
        **axes,
    }
    return {"data": traces, "layout": layout}


def library() -> str:
    """Plotly's script, compressed (gzip) and in base64, so that the page needs no network.

    Source: plotly.js (MIT licence), as the Python package `plotly` carries it.
    """
    from plotly.offline import get_plotlyjs

    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)).decode()


def _traces(
    sweep: Sweep,
    curve: Curve,
    look: Look,
    x: Column,
    y: Column,
    scales: tuple[Scale, Scale],
    name: str,
    first: bool,
    behind: int,
) -> list[Data]:
    """The traces of a curve; `behind` is how many others lie on it, and it is the larger for each of them."""
    points = curve.points
    group: Data = {"legendgroup": name, "name": name}
    dash = DASHES.get(look.line) if isinstance(look.line, str) else _dashes(look.line[1])
    line = _line(curve, x, y, scales) | {
        "mode": "lines+markers" if curve.joined else "markers",
        "line": {"color": look.colour, "dash": dash, "width": 2 + behind},
        "marker": {"color": look.colour, "symbol": SYMBOLS[look.marker], "size": 8 + 5 * behind},
        "showlegend": first,
        "text": [_hover(sweep, curve.name, point, x, y) for point in points.to_dict("records")],
        "hovertemplate": "%{text}<extra></extra>",
        "customdata": [" ".join(cells[:MOST_CELLS]) for cells in points["cells"]],
    }
    if not curve.certain:
        at, values = dots(curve, x, y)
        patterns = {
            "type": "scatter",
            "x": scales[0].places(at),
            "y": scales[1].places(values),
            "mode": "markers",
            "marker": {"color": look.colour, "size": 4, "opacity": 0.5},
            "hoverinfo": "skip",
            "showlegend": False,
        }
        return [group | patterns, group | line] if at else [group | line]
    low, mean, high = (scales[1].places(points[c] * y.factor) for c in ("lower", "mean", "upper"))
    known = [i for i, value in enumerate(low) if value is not None]
    if curve.joined and len(known) > 1:
        at = line["x"]
        band = {
            "x": [at[i] for i in known] + [at[i] for i in reversed(known)],
            "y": [high[i] for i in known] + [low[i] for i in reversed(known)],
            "fill": "toself",
            "mode": "lines",
            "line": {"width": 0},
            "fillcolor": f"{look.colour}22",
            "hoverinfo": "skip",
            "showlegend": False,
        }
        return [group | band, group | line]
    if known:
        line["error_y"] = {
            "type": "data",
            "array": [_minus(b, a) for a, b in zip(mean, high, strict=True)],
            "arrayminus": [_minus(a, b) for a, b in zip(mean, low, strict=True)],
            "thickness": 1,
            "width": 2,
        }
    return [group | line]


def _minus(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b


def _line(curve: Curve, x: Column, y: Column, scales: tuple[Scale, Scale]) -> Data:
    points = curve.points
    return {
        "type": "scatter",
        "x": scales[0].places(points["x"] * x.factor),
        "y": scales[1].places(points["mean"] * y.factor),
    }


def _grey() -> Data:
    return {"mode": "lines", "line": {"color": GREY, "width": 1}, "hoverinfo": "skip", "showlegend": False}


def _published(reference: Reference, x: Column, y: Column, scales: tuple[Scale, Scale], first: bool) -> Data:
    return {
        "type": "scatter",
        "x": scales[0].places(np.array(reference.x) * x.factor),
        "y": scales[1].places(np.array(reference.y) * y.factor),
        "mode": "lines+markers",
        "line": {"color": "#666666", "dash": "dot", "width": 1},
        "marker": {"symbol": "circle-open", "size": 7},
        "name": reference.label,
        "legendgroup": reference.label,
        "showlegend": first,
    }


def _hover(sweep: Sweep, name: str, point: Any, x: Column, y: Column) -> str:
    lines = [f"<b>{name}</b>", f"{x.label} {x.text(point['x'])}"]
    value = f"{y.label} {point['mean'] * y.factor:.4g} {y.shown or y.unit}".strip()
    if point["n"] > 1:
        certain = point["n"] >= FEWEST
        ends = (
            (point["lower"], point["upper"]) if certain else (min(point["patterns"]), max(point["patterns"]))
        )
        low, high = (f"{end * y.factor:.4g}" for end in ends)
        value += f" (95 % interval {low} to {high})" if certain else f" ({sweep.unit}s: {low} to {high})"
    patterns = f"{point['n']} {sweep.unit}{'s' * (point['n'] > 1)}"
    clips = f", {point['clips']} clips" if point["clips"] > 1 and sweep.unit != "clip" else ""
    rates = [
        f"{column.label} {point[rate] * column.factor:.4g} {column.shown or column.unit}".strip()
        for rate in RATES
        if rate in point and pd.notna(point[rate])
        for column in (sweep.column(rate),)
    ]
    return "<br>".join([*lines, value, patterns + clips, *rates])


def _title(title: str, suffix: str) -> Data:
    return {
        "text": title,
        "xref": f"x{suffix} domain",
        "yref": f"y{suffix} domain",
        "x": 0,
        "y": 1.02,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
    }


def _axis(title: str, scale: Scale) -> Data:
    return {
        "title": {"text": title, "standoff": 8, "font": {"size": 12}},
        "gridcolor": "#eeeeee",
        "linecolor": "#1b1b1b",
        "showline": True,
        "ticks": "outside",
        "zeroline": False,
        **scale.axis(),
    }


def _dashes(pattern: Sequence[float]) -> str:
    return ",".join(f"{2 * part:g}px" for part in pattern)
