"""Drawing: panels of curves with their names at the lines' ends, without pyplot and its global state."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lossweep.experiments.column import Column
from lossweep.experiments.layout import BETWEEN, LINE, MARGIN, Layout, layout_of, name_in_panel, wrapped
from lossweep.experiments.looks import SIZE, Look, looks
from lossweep.experiments.panel import Panel
from lossweep.experiments.panel_axes import Reference, draw_panel, lies_flat, limits_of, scale

NEAR = 0.85
"""Where the last point of a curve is near the names beside the panel, as a part of its width."""
LONGEST = 34
"""Letters of a line beside a panel."""


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
    limits = limits_of(panels, x, y, level, references)
    flat = [lies_flat(panel, y, limits[1]) for panel in panels]
    further = [
        *(reference.label for reference in references),
        *(["clip itself"] if level is not None else []),
    ]
    layout = layout_of(panels, caption, further, wide_numbers=any(flat))
    with mpl.rc_context(SIZE):
        figure = Figure(figsize=layout.size)
        FigureCanvasAgg(figure)
        styles = looks(panels)
        axes = [_axes(figure, layout, row, column) for row, column in layout.places]
        for axis, panel, alone, (row, column) in zip(axes, panels, flat, layout.places, strict=True):
            beside = references_in_panel(panel, references)
            draw_panel(axis, panel, x, y, styles, level, beside)
            own = limits_of([panel], x, y, None, beside)
            scale(axis, x, y, limits[0], own[1] if alone else limits[1])
            axis.set_title(layout.title(f"{panel.title} (own scale)" if alone else panel.title), loc="left")
            if column == 0:
                axis.set_ylabel(heading(y))
            else:
                axis.tick_params(labelleft=any(flat))
            if (row + 1, column) not in layout.places:
                axis.set_xlabel(x.heading())
            else:
                axis.tick_params(labelbottom=False)
        for axis, panel in zip(axes, panels, strict=True):
            _name(axis, panel, x, y, styles, layout, level, references_in_panel(panel, references))
        figure.text(
            0.1 / figure.get_figwidth(),
            0.08 / figure.get_figheight(),
            layout.caption,
            fontsize=7.5,
            color="#444444",
        )
        return figure


def heading(y: Column) -> str:
    """The heading of the vertical axis, with the direction that is better, in lines that a panel is high enough for."""
    better = f"({y.better} is better)" if y.better else ""
    if len(y.heading()) > LONGEST:
        return textwrap.fill(f"{y.heading()} {better}", LONGEST)
    return f"{y.heading()}\n{better}" if better else y.heading()


def references_in_panel(panel: Panel, references: Sequence[Reference]) -> list[Reference]:
    """The references that a panel shows: in a panel of one system those that name no other system."""
    own = {curve.label.system for curve in panel.curves}
    others = {curve.label.system for curve in panel.context} - own
    return [r for r in references if not any(r.label.endswith(f", {system}") for system in others)]


def _axes(figure: Figure, layout: Layout, row: int, column: int) -> Axes:
    wide, high = figure.get_size_inches()
    left = MARGIN + column * (layout.width + layout.names)
    bottom = layout.below + 0.1 + (layout.rows - 1 - row) * (layout.height + BETWEEN)
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
    """Names beside the panel with a piece of each line, in the order of the lines' ends, moved apart where they would
    overlap; those of lines that end near the names are joined with them.
    """
    ends: list[tuple[float, float, str, dict[str, Any]]] = []
    for curve in sorted(panel.curves, key=lambda c: float(c.points["mean"].mean())):
        look = styles[curve.name]
        style = {"color": look.colour, "ls": look.line if curve.joined else "", "marker": look.marker}
        at, value = curve.points[["x", "mean"]].iloc[-1]
        ends.append((at * x.factor, value * y.factor, wrapped(name_in_panel(curve, panel)), style))
    for reference in references:
        style = {"color": "#666666", "ls": ":", "marker": "o", "mfc": "white"}
        ends.append((reference.x[-1] * x.factor, reference.y[-1] * y.factor, wrapped(reference.label), style))
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
        if across >= NEAR and style["ls"]:  # a line across the panel would look like a curve
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
