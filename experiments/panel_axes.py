"""One panel on matplotlib axes: its curves with their intervals or loss patterns, on scales that fit them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lossweep.experiments.column import Column
from lossweep.experiments.looks import Look
from lossweep.experiments.panel import Curve, Panel

GREY = "#c4c4c4"
WIDE = 20
"""Ratio of the largest to the smallest rate from which on the axis is logarithmic."""
DECADES = 300.0
"""Ratio of the largest to the smallest value up to which a logarithmic axis has the ticks 1, 2, 5."""
FLAT = 0.2
"""Part of the common scale below which a panel of one group gets a scale of its own."""
COINCIDE, MOST_COVERED = 0.012, 3
"""Distance of points that lie on each other, as a part of the axes; steps in which lines below others get thicker."""


class Reference(NamedTuple):
    """Points of a publication, in the units of the table."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]


def draw_panel(
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
    for behind, curve in zip(covered(panel, y), panel.curves, strict=True):
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
            ms=3.5 if curve.joined else 4.5 + 2.5 * behind,
            lw=1.3 + 0.8 * behind,  # what lies under another line shows on both sides of it
            gid=curve.name,
            zorder=3,
        )
        low, high = points["lower"] * y.factor, points["upper"] * y.factor
        if not curve.certain:
            axis.plot(*dots(curve, x, y), color=look.colour, ls="", marker=".", ms=3, alpha=0.5, zorder=2)
        elif curve.joined and len(points) > 1:
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


def covered(panel: Panel, y: Column) -> list[int]:
    """How many later curves of a panel lie on each of its curves; at most MOST_COVERED."""
    scaled = []
    for curve in panel.curves:
        points = curve.points[["x", "mean"]].to_numpy(dtype=float)
        if y.log:
            points = np.column_stack((points[:, 0], np.log10(np.maximum(points[:, 1], 1e-6))))
        scaled.append(points)
    every = np.concatenate(scaled)
    size = np.ptp(every, axis=0)
    size[1] = max(size[1], y.least_span)
    near = np.where(size > 0, size, 1.0) * COINCIDE

    def lies_on(below: np.ndarray, above: np.ndarray) -> bool:
        apart = np.abs(below[:, None] - above[None])
        return bool((apart <= near).all(axis=2).any(axis=1).mean() >= 0.5)

    counts = (sum(lies_on(one, other) for other in scaled[i + 1 :]) for i, one in enumerate(scaled))
    return [min(count, MOST_COVERED) for count in counts]


def dots(curve: Curve, x: Column, y: Column) -> tuple[list[float], list[float]]:
    """Where the loss patterns of a curve's points lie, on the screen's scale; none where a point has one pattern."""
    found = [
        (at * x.factor, value * y.factor)
        for at, patterns in zip(curve.points["x"], curve.points["patterns"], strict=True)
        if len(patterns) > 1
        for value in patterns
    ]
    return [at for at, _ in found], [value for _, value in found]


def limits_of(
    panels: Sequence[Panel],
    x: Column,
    y: Column,
    level: float | None = None,
    references: Sequence[Reference] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """All x and all means on the screen's scale: intervals do not stretch the axes."""
    curves = [curve for panel in panels for curve in panel.curves]
    across = [value for curve in curves for value in curve.points["x"]]
    up = [value for curve in curves for value in curve.points["mean"]]
    across += [value for reference in references for value in reference.x]
    up += [value for reference in references for value in reference.y] + ([] if level is None else [level])
    return np.array(across) * x.factor, np.array(up) * y.factor


def scale(axis: Axes, x: Column, y: Column, across: np.ndarray, up: np.ndarray) -> None:
    if is_logarithmic(x, across):
        _logarithmic(axis, "x", across)
    elif x.role in ("rate", "network") and x.lowest == 0:
        axis.set_xlim(0, 1.08 * float(across.max()) or 1.0)
    elif np.ptp(across) > 0:
        axis.set_xlim(across.min() - 0.04 * np.ptp(across), across.max() + 0.04 * np.ptp(across))
    if y.log and (up > 0).any():
        _logarithmic(axis, "y", up)
        return
    axis.set_ylim(*span(y, up))


def span(y: Column, up: np.ndarray) -> tuple[float, float]:
    """The ends of a vertical axis that shows all means; inside the range of the metric, but for a margin.

    It spans at least what a difference must have to count (`Column.least_span`).
    """
    low, high = float(up.min()), float(up.max())
    if low == high and y.lowest is not None and y.highest is not None:
        low, high = y.lowest * y.factor, y.highest * y.factor
    missing = y.least_span * y.factor - (high - low)
    if missing > 0:
        low = low - missing / 2
        if y.highest is not None:
            low = min(low, y.highest * y.factor - y.least_span * y.factor)
        if y.lowest is not None:
            low = max(low, y.lowest * y.factor)
        high = low + y.least_span * y.factor
    margin = 0.06 * (high - low) or 0.05 * abs(high) or 0.05
    low, high = low - margin, high + margin
    if y.lowest is not None and low + margin >= y.lowest * y.factor:
        low = max(low, y.lowest * y.factor - margin / 2)
    if y.highest is not None:
        high = min(high, y.highest * y.factor + margin / 2)
    return low, high


def is_logarithmic(x: Column, across: np.ndarray) -> bool:
    """Whether the horizontal axis is: losses down to a few percent, rates of very different size."""
    fine = np.unique(across[across > 0])
    if x.role == "setting" and x.shown == "%":
        return bool(len(fine) > 2 and fine[0] <= 2 and fine[-1] >= 30 * fine[0])
    return bool(x.role == "rate" and fine.size and fine[-1] >= WIDE * fine[0])


def _logarithmic(axis: Axes, which: Any, values: np.ndarray) -> None:
    """A logarithmic axis that shows 0 as well, below its smallest decade."""
    positive = values[values > 0].min()
    least = 10 ** np.floor(np.log10(positive))
    if (values <= 0).any():
        getattr(axis, f"set_{which}scale")("symlog", linthresh=least, linscale=0.4)
        getattr(axis, f"set_{which}lim")(-0.15 * least, values.max() * 1.25)
    else:
        getattr(axis, f"set_{which}scale")("log")
        getattr(axis, f"set_{which}lim")(positive / 1.25, values.max() * 1.25)
    ticks, plain = getattr(axis, f"{which}axis"), FuncFormatter(lambda value, _: f"{value:g}")
    ticks.set_major_formatter(plain)
    if values.max() < DECADES * positive and (values > 0).all():
        ticks.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ticks.set_minor_formatter(NullFormatter())


def lies_flat(panel: Panel, y: Column, up: np.ndarray) -> bool:
    """Whether the curves of a panel of one group differ, but would lie on each other on the scale of all panels."""
    own = np.concatenate([curve.points["mean"] for curve in panel.curves]) * y.factor
    least = max(y.least_span * y.factor, 1e-12)
    return bool(panel.context) and not y.log and least <= np.ptp(own) < FLAT * np.ptp(up)
