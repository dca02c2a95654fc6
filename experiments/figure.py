"""Drawing: panels of curves with their names at the lines' ends, without pyplot and its global state."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from lossweep.experiments.column import Column
from lossweep.experiments.curves import Curve, Panel
from lossweep.experiments.looks import SIZE, Look, looks

GREY = "#c4c4c4"
LETTER, LINE = 0.062, 0.135
"""Width of a letter and height of a line of 8 point text, inches."""
MARGIN = 0.85
"""Left of the first column: the heading of the y axis and its numbers, inches."""


class Reference(NamedTuple):
    """Points of a publication, in the units of the table."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]


class Layout(NamedTuple):
    """Sizes in inches: a panel, the room for names beside it, and what the caption takes."""

    width: float
    height: float
    names: float
    caption: float


def draw(
    panels: Sequence[Panel],
    x: Column,
    y: Column,
    caption: str,
    level: float | None = None,
    references: Sequence[Reference] = (),
) -> Figure:
    """A figure of panels.

    Args:
        x, y: what the axes show.
        level: the metric's value of the clips themselves: a dashed line.
    Returns:
        Axes in the order of panels; each curve is a line with its name as gid.
    """
    with mpl.rc_context(SIZE):
        columns = _columns(panels)
        layout, lines = _layout(panels, columns, caption, references)
        places = _places(panels, columns)
        rows = 1 + max(row for row, _ in places)
        figure = Figure(
            figsize=(
                MARGIN + columns * (layout.width + layout.names),
                rows * (layout.height + 0.6) + layout.caption - 0.15,
            )
        )
        FigureCanvasAgg(figure)
        styles = looks(panels)
        axes = [_axes(figure, layout, row, column, rows) for row, column in places]
        limits = _limits(panels, x, y, level, references)
        for axis, panel, (row, column) in zip(axes, panels, places, strict=True):
            _draw_panel(axis, panel, x, y, styles, level, _of_panel(panel, references))
            _scale(axis, x, y, *limits)
            axis.set_title(panel.title, loc="left")
            if column == 0:
                axis.set_ylabel(_heading(y))
            else:
                axis.tick_params(labelleft=False)
            if (row + 1, column) not in places:
                axis.set_xlabel(x.heading())
            else:
                axis.tick_params(labelbottom=False)
        for axis, panel in zip(axes, panels, strict=True):
            _name(axis, panel, x, y, styles, layout, level, _of_panel(panel, references))
        figure.text(
            0.1 / figure.get_figwidth(), 0.08 / figure.get_figheight(), lines, fontsize=7.5, color="#444444"
        )
        return figure


def _heading(y: Column) -> str:
    return f"{y.heading()}\n({y.better} is better)" if y.better else y.heading()


def _columns(panels: Sequence[Panel]) -> int:
    systems = len({panel.curves[0].label.system for panel in panels if panel.context})
    return systems or (2 if len(panels) == 4 else min(len(panels), 3))


def _places(panels: Sequence[Panel], columns: int) -> list[tuple[int, int]]:
    """Row and column of each panel; panels of one system stand below each other."""
    if not panels[0].context:
        return [divmod(i, columns) for i in range(len(panels))]
    systems = list(dict.fromkeys(panel.curves[0].label.system for panel in panels))
    return [(panel.row, systems.index(panel.curves[0].label.system)) for panel in panels]


def _of_panel(panel: Panel, references: Sequence[Reference]) -> list[Reference]:
    """The references that a panel shows: in a panel of one system those that name no other system."""
    others = {curve.label.system for curve in panel.context}
    return [r for r in references if not any(r.label.endswith(f", {system}") for system in others)]


def _shown(curve: Curve, panel: Panel) -> str:
    """The name beside a line, without what the title says."""
    code = "" if curve.label.code and curve.label.code in panel.title else curve.label.code
    if panel.context:
        return ", ".join(filter(None, (code or "no repair", curve.variant)))
    name = str(replace(curve.label, code=code))
    return f"{name}, {curve.variant}" if curve.variant else name


def _layout(
    panels: Sequence[Panel], columns: int, caption: str, references: Sequence[Reference]
) -> tuple[Layout, str]:
    names = [_wrapped(_shown(curve, panel)) for panel in panels for curve in panel.curves]
    names += [_wrapped(reference.label) for reference in references]
    widest = max(len(line) for name in names for line in name.split("\n"))
    width, height = (4.6, 3.1) if len(panels) == 1 else (2.9, 2.2)
    most = max(
        sum(1 + _wrapped(_shown(c, p)).count("\n") for c in p.curves) + len(references) for p in panels
    )
    room = 0.7 + LETTER * widest
    total = MARGIN + columns * (width + room)
    lines = textwrap.fill(caption, int(total * 17.5))
    return Layout(width, max(height, LINE * (most + 1)), room, 0.5 + 0.125 * (lines.count("\n") + 1)), lines


def _wrapped(name: str) -> str:
    kept = re.sub(r"(?<=\w) (?=\d+/\d|kbit/s|ms|frames|packets|\d+\b)", "\u00a0", name)
    return "\n".join(textwrap.wrap(kept, 32, break_on_hyphens=False)).replace("\u00a0", " ")


def _axes(figure: Figure, layout: Layout, row: int, column: int, rows: int) -> Axes:
    wide, high = figure.get_size_inches()
    left = MARGIN + column * (layout.width + layout.names)
    bottom = layout.caption + 0.1 + (rows - 1 - row) * (layout.height + 0.6)
    return figure.add_axes((left / wide, bottom / high, layout.width / wide, layout.height / high))


def _draw_panel(
    axis: Axes,
    panel: Panel,
    x: Column,
    y: Column,
    styles: dict[str, Look],
    level: float | None,
    references: Sequence[Reference],
) -> None:
    for curve in panel.context:
        across, up = curve.points["x"] * x.factor, curve.points["mean"] * y.factor
        axis.plot(across, up, color=GREY, lw=0.7, zorder=1, gid="context")
    for behind, curve in zip(range(len(panel.curves) - 1, -1, -1), panel.curves, strict=True):
        look = styles[curve.name]
        points = curve.points
        across = points["x"] * x.factor
        line = look.line if curve.joined else ""
        axis.plot(
            across,
            points["mean"] * y.factor,
            color=look.colour,
            ls=line,
            marker=look.marker,
            ms=3.5,
            lw=1.3 + 0.3 * min(behind, 5),  # what lies on another line shows on both sides of it
            gid=curve.name,
            zorder=3,
        )
        low, high = points["lower"] * y.factor, points["upper"] * y.factor
        if curve.joined and len(points) > 1:
            axis.fill_between(
                across, low, high, color=look.colour, alpha=0.15, lw=0, zorder=2, gid=curve.name
            )
        else:
            axis.vlines(across, low, high, color=look.colour, lw=1, alpha=0.6, zorder=2)
    for reference in references:
        axis.plot(
            np.array(reference.x) * x.factor,
            np.array(reference.y) * y.factor,
            color="#666666",
            marker="o",
            mfc="white",
            ms=4,
            lw=0.8,
            ls=":",
            gid=reference.label,
        )
    if level is not None:
        axis.axhline(level * y.factor, color="#777777", lw=1, ls=(0, (2, 2)), gid="clip itself")
    axis.grid(alpha=0.25, lw=0.5)


def _limits(
    panels: Sequence[Panel], x: Column, y: Column, level: float | None, references: Sequence[Reference]
) -> tuple[np.ndarray, np.ndarray]:
    """All x and all means on the screen's scale: intervals do not stretch the axes."""
    curves = [curve for panel in panels for curve in panel.curves]
    across = [value for curve in curves for value in curve.points["x"]]
    up = [value for curve in curves for value in curve.points["mean"]]
    across += [value for reference in references for value in reference.x]
    up += [value for reference in references for value in reference.y] + ([] if level is None else [level])
    return np.array(across) * x.factor, np.array(up) * y.factor


def _scale(axis: Axes, x: Column, y: Column, across: np.ndarray, up: np.ndarray) -> None:
    fine = np.unique(across[across > 0])
    if x.role == "setting" and x.shown == "%" and len(fine) > 2 and fine[0] <= 1 and fine[-1] >= 30 * fine[0]:
        _logarithmic(axis, "x", across)
    if x.role in ("rate", "network") and x.lowest == 0:
        axis.set_xlim(0, 1.08 * float(across.max()) or 1.0)
    if y.log and (up > 0).any():
        _logarithmic(axis, "y", up)
        return
    low, high = float(up.min()), float(up.max())
    if low == high and y.lowest is not None and y.highest is not None:
        low, high = y.lowest * y.factor, y.highest * y.factor
    margin = 0.06 * (high - low) or 0.05 * abs(high) or 0.05
    low, high = low - margin, high + margin
    if y.lowest is not None and low + margin >= y.lowest * y.factor:
        low = max(low, y.lowest * y.factor - margin / 2)
    if y.highest is not None:
        high = min(high, y.highest * y.factor + margin / 2)
    axis.set_ylim(low, high)


def _logarithmic(axis: Axes, which: Any, values: np.ndarray) -> None:
    """A logarithmic axis that shows 0 as well, below its smallest decade."""
    least = 10 ** np.floor(np.log10(values[values > 0].min()))
    getattr(axis, f"set_{which}scale")("symlog", linthresh=least, linscale=0.4)
    room = (-0.15 * least if (values <= 0).any() else 0.8 * least, values.max() * 1.25)
    getattr(axis, f"set_{which}lim")(*room)
    getattr(axis, f"{which}axis").set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _name(
    axis: Axes,
    panel: Panel,
    x: Column,
    y: Column,
    styles: dict[str, Look],
    layout: Layout,
    level: float | None,
    references: Sequence[Reference],
) -> None:
    """Names beside the lines' ends with a piece of each line, moved apart where they would overlap."""
    ends: list[tuple[float, float, str, dict[str, Any]]] = []
    for curve in sorted(panel.curves, key=lambda c: float(c.points["mean"].mean())):
        look = styles[curve.name]
        style = {"color": look.colour, "ls": look.line if curve.joined else "", "marker": look.marker}
        at, value = curve.points[["x", "mean"]].iloc[-1]
        ends.append((at * x.factor, value * y.factor, _wrapped(_shown(curve, panel)), style))
    for reference in references:
        style = {"color": "#666666", "ls": ":", "marker": "o", "mfc": "white"}
        ends.append(
            (reference.x[-1] * x.factor, reference.y[-1] * y.factor, _wrapped(reference.label), style)
        )
    if level is not None:
        style = {"color": "#777777", "ls": (0, (2, 2))}
        ends.append((axis.get_xlim()[1], level * y.factor, "clip itself", style))
    to_axes = axis.transData + axis.transAxes.inverted()
    placed = [(*to_axes.transform((at, value)), text, style) for at, value, text, style in ends]
    placed.sort(key=lambda end: round(end[1], 2))
    heights = [(1 + text.count("\n")) * LINE / layout.height for _, _, text, _ in placed]
    start, inch = 1.0 + 0.13 / layout.width, 1.0 / layout.width
    for (across, up, text, style), at in zip(placed, spread([p[1] for p in placed], heights), strict=True):
        free: dict[str, Any] = {"transform": axis.transAxes, "clip_on": False}
        axis.plot([across, start], [up, at], color=style["color"], lw=0.5, alpha=0.6, **free)
        axis.plot(
            [start, start + 0.14 * inch, start + 0.28 * inch],
            [at] * 3,
            ms=3,
            lw=1.3,
            markevery=[1],
            **style,
            **free,
        )
        axis.text(
            start + 0.34 * inch,
            at,
            text,
            color=style["color"],
            fontsize=8,
            va="center",
            linespacing=1.0,
            **free,
        )


def spread(wanted: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Where boxes of these heights do not overlap, as near as possible to the wanted places (ascending), in [0, 1]."""
    placed: list[list[int]] = []
    centre: list[float] = []
    for i in range(len(wanted)):
        placed.append([i])
        centre.append(wanted[i])
        while True:
            size = [sum(heights[j] for j in group) for group in placed[-2:]]
            centre[-1] = min(max(centre[-1], size[-1] / 2), max(1 - size[-1] / 2, size[-1] / 2))
            if len(placed) < 2 or centre[-1] - centre[-2] >= sum(size) / 2 - 1e-12:
                break
            group = placed.pop()
            centre.pop()
            placed[-1] += group
            centre[-1] = float(np.mean([wanted[j] for j in placed[-1]]))
    found = [0.0] * len(wanted)
    for group, middle in zip(placed, centre, strict=True):
        edge = middle - sum(heights[j] for j in group) / 2
        for j in group:
            found[j] = edge + heights[j] / 2
            edge += heights[j]
    return found
