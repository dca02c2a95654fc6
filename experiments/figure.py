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

from lossweep.experiments.column import Column
from lossweep.experiments.curves import Curve, Panel
from lossweep.experiments.looks import SIZE, Look, looks
from lossweep.experiments.panel_axes import Reference, draw_panel, lies_flat, limits_of, scale

LETTER, LINE = 0.062, 0.135
"""Width of a letter and height of a line of 8 point text, inches."""
MARGIN = 0.85
"""Left of the first column: the heading of the y axis and its numbers, inches."""


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
        limits = limits_of(panels, x, y, level, references)
        for axis, panel, (row, column) in zip(axes, panels, places, strict=True):
            beside = references_in_panel(panel, references)
            draw_panel(axis, panel, x, y, styles, level, beside)
            flat = lies_flat(panel, y, limits[1])
            own = limits_of([panel], x, y, None, beside)
            scale(axis, x, y, limits[0], own[1] if flat else limits[1])
            axis.set_title(f"{panel.title} (own scale)" if flat else panel.title, loc="left")
            if flat and column:
                axis.tick_params(labelleft=True)
            elif column == 0:
                axis.set_ylabel(heading(y))
            else:
                axis.tick_params(labelleft=False)
            if (row + 1, column) not in places:
                axis.set_xlabel(x.heading())
            else:
                axis.tick_params(labelbottom=False)
        for axis, panel in zip(axes, panels, strict=True):
            _name(axis, panel, x, y, styles, layout, level, references_in_panel(panel, references))
        figure.text(
            0.1 / figure.get_figwidth(), 0.08 / figure.get_figheight(), lines, fontsize=7.5, color="#444444"
        )
        return figure


def heading(y: Column) -> str:
    """The heading of the vertical axis, with the direction that is better."""
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


def references_in_panel(panel: Panel, references: Sequence[Reference]) -> list[Reference]:
    """The references that a panel shows: in a panel of one system those that name no other system."""
    others = {curve.label.system for curve in panel.context}
    return [r for r in references if not any(r.label.endswith(f", {system}") for system in others)]


def name_in_panel(curve: Curve, panel: Panel) -> str:
    """The name beside a line, without what the title says."""
    code = "" if curve.label.code and curve.label.code in panel.title else curve.label.code
    if panel.context:
        return ", ".join(filter(None, (code or "no repair", curve.variant)))
    name = str(replace(curve.label, code=code))
    return f"{name}, {curve.variant}" if curve.variant else name


def _layout(
    panels: Sequence[Panel], columns: int, caption: str, references: Sequence[Reference]
) -> tuple[Layout, str]:
    names = [_wrapped(name_in_panel(curve, panel)) for panel in panels for curve in panel.curves]
    names += [_wrapped(reference.label) for reference in references]
    widest = max(len(line) for name in names for line in name.split("\n"))
    width, height = (4.6, 3.1) if len(panels) == 1 else (2.9, 2.2)
    most = max(
        sum(1 + _wrapped(name_in_panel(c, p)).count("\n") for c in p.curves) + len(references) for p in panels
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
        ends.append((at * x.factor, value * y.factor, _wrapped(name_in_panel(curve, panel)), style))
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
