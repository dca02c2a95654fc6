"""Curves of a sweep: one per combination of what varies, its points means over clips and loss patterns.

A point never averages over anything else: every other setting that the scenario varies names the curve, is the x axis,
or makes a panel. Settings of the network, the path and the clip make panels of their own accord.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from lossweep.experiments.column import Column
from lossweep.experiments.confidence import FEWEST, by_pattern, interval
from lossweep.experiments.labels import Label
from lossweep.experiments.naming import follows, phrases, stands_everywhere, value_in_words
from lossweep.experiments.sweep import NETWORK, PlotError, Sweep

MOST_PANELS = 12
MOST_CURVES, MOST_LABELS = 8, 20
JOINED = {
    "rate": ("target_bpp", "target_bps", "quantizer", "bitrate"),
    "network": ("playout_delay_s", "look_ahead", "group", "gop", "block_frames", "fec_frames"),
}
"""Along which settings the points of a curve are joined where x was measured: rates, delays."""

RATES = ("bpp", "payload_bps", "wire_bps")
"""What a point costs."""


@dataclass(frozen=True)
class Curve:
    """One way of sending under one condition.

    Attributes:
        label: the system's name.
        variant: the settings that tell it from others of that name: "GOP 4"; "" where none is needed.
        points: columns x, mean, lower, upper, n (loss patterns), clips, cells (their ids), and the mean of each of
            RATES that the sweep has; in the order of x. `lower` and `upper` are nan where n is 1. `patterns` is the
            value of each loss pattern, float64 [n].
        identifier: as in the table's column `endpoint`.
        joined: whether a line goes through the points.
    """

    label: Label
    variant: str
    points: pd.DataFrame = field(compare=False)
    identifier: str
    joined: bool = True

    @property
    def name(self) -> str:
        """The name in the legend."""
        return f"{self.label}, {self.variant}" if self.variant else str(self.label)

    @property
    def certain(self) -> bool:
        """Whether every point has the loss patterns that an interval needs to be shown."""
        return bool(self.points["n"].min() >= FEWEST)


@dataclass(frozen=True)
class Panel:
    """The curves under one condition.

    Attributes:
        network, endpoint: the condition, in terms of the network and of the endpoints.
        context: in a panel of one system, the curves of the others, for comparison.
        row: place of the panel among those of its system.
    """

    network: str
    endpoint: str
    curves: tuple[Curve, ...]
    context: tuple[Curve, ...] = ()
    row: int = 0

    @property
    def title(self) -> str:
        """Title of the panel."""
        system = self.curves[0].label.system if self.context else ""
        return ", ".join(filter(None, (system, self.network, self.endpoint)))


def panels(sweep: Sweep, x: str, y: str, facet: Sequence[str] = ()) -> list[Panel]:
    """The panels of y against x.

    Args:
        x, y: columns of the table. Points of a measured x (a rate, a delay) lie at its mean.
        facet: further settings that make panels.
    Raises:
        PlotError: an unknown column, one that holds no number, or more than a figure can show; one line.
    """
    across, up = sweep.column(x), sweep.column(y)
    for column in (across, up):
        if not pd.api.types.is_numeric_dtype(sweep.table[column.name]):
            raise PlotError(f"{column.name} holds text; x and y are numbers, choose it as --facet")
    if sweep.table[y].notna().sum() == 0:
        raise PlotError(f"{y} has no value in this sweep")
    keys, facets = _keys(sweep, across, facet)
    also = [name for name in ("cell", *RATES) if name in sweep.table]
    frame = sweep.table[["endpoint", x, y, "clip", *_patterns(sweep), *also]].copy()
    frame = frame.loc[:, ~frame.columns.duplicated()].assign(**keys)
    frame = frame[frame[y].notna() & frame[x].notna()]
    panelled = [name for name in keys if name in facets]
    inner = [name for name in keys if name not in facets]
    conditions = _conditions(sweep, frame, panelled)
    if len(conditions) > MOST_PANELS:
        raise PlotError(
            f"{', '.join(panelled)} would make {len(conditions)} panels; choose some with --where, such as "
            f"--where {panelled[0]}={frame[panelled[0]].dropna().iloc[0]}"
        )
    found = []
    for condition in conditions:
        part = frame
        for name, key in condition.items():
            alike = part[name] == key if key is not None else part[name].isna()
            part = part[alike | part[name].isna()] if stands_everywhere(sweep, name) else part[alike]
        curves = _curves(sweep, part, across, up, inner)
        if curves:
            network, endpoint = (_title(sweep, part, condition, own) for own in (False, True))
            found.append(Panel(network, endpoint, tuple(curves)))
    if across.role == "setting":
        found = _small_multiples(found)
    most = max((len(panel.curves) for panel in found), default=0)
    if most > MOST_LABELS:
        axes = [name for name in inner if name in sweep.axes] or ["endpoint"]
        raise PlotError(f"{most} curves in a panel; choose some with --where, or --facet {' or '.join(axes)}")
    return found


def patterns(found: Sequence[Panel]) -> tuple[int, int]:
    """The smallest and the largest number of loss patterns of a point."""
    counts = pd.concat([curve.points["n"] for panel in found for curve in panel.curves])
    return int(counts.min()), int(counts.max())


def _patterns(sweep: Sweep) -> list[str]:
    return [name for name in ("seed", "repetition") if name in sweep.table]


def _keys(sweep: Sweep, x: Column, facet: Sequence[str]) -> tuple[dict[str, pd.Series], list[str]]:
    """The axes that curves and panels differ by, with their values per row, and which of them make panels."""
    keys = {}
    for name, axis in sweep.axes.items():
        if name == x.name:
            continue
        values = sweep.values(name)
        if values.nunique(dropna=False) < 2:
            continue
        if x.role == "setting" and axis.part == "channel" and follows(values, sweep.table[x.name]):
            continue
        if name == "channel" and sweep.table.groupby("endpoint")["channel"].nunique().max() == 1:
            continue  # each system has a channel of its own: symbols or packets
        keys[name] = values
    for name in facet:
        sweep.column(name)
        if name not in keys and name != x.name and sweep.table[name].nunique() > 1:
            keys[name] = sweep.table[name].map(str)
    along = JOINED.get(x.role, ()) if x.role != "setting" else ()
    wanted = [
        name
        for name in keys
        if name in facet or (name in sweep.axes and sweep.axes[name].part in NETWORK and name not in along)
    ]
    return keys, wanted


def _conditions(sweep: Sweep, frame: pd.DataFrame, names: list[str]) -> list[dict[str, str | None]]:
    network = [name for name in names if not stands_everywhere(sweep, name)]
    own = [name for name in names if stands_everywhere(sweep, name)]
    of_network = frame[network].drop_duplicates() if network else pd.DataFrame(index=[0])
    levels = [list(frame[name].dropna().unique()) or [None] for name in own]
    return [
        {name: (None if pd.isna(row[name]) else row[name]) for name in network}
        | dict(zip(own, level, strict=True))
        for row in of_network.to_dict("records")
        for level in itertools.product(*levels)
    ]


def _curves(sweep: Sweep, part: pd.DataFrame, x: Column, y: Column, inner: list[str]) -> list[Curve]:
    measured = x.role not in ("setting", "identity")
    joined = [name for name in inner if measured and name in JOINED.get(x.role, ())]
    apart = ["endpoint", *(name for name in inner if name not in joined)]
    found = []
    groups = [group for _, group in part.groupby(apart, sort=False, dropna=False)]
    combinations = [
        {name: None if pd.isna(value) else str(value) for name, value in group[apart].iloc[0].items()}
        for group in groups
    ]
    named = [{str(name): value for name, value in one.items()} for one in combinations]
    for group, one, phrase in zip(groups, named, phrases(sweep, named), strict=True):
        by = joined if measured else [x.name]
        points = _points(group, x, y, by)
        identifier = str(one["endpoint"])
        found.append(Curve(sweep.label_of(group), phrase, points, identifier, bool(by)))
    return found


def _points(group: pd.DataFrame, x: Column, y: Column, by: list[str]) -> pd.DataFrame:
    names = [name for name in ("seed", "repetition") if name in group]
    row = group.groupby(names).ngroup().to_numpy() if names else np.zeros(len(group), int)
    clip, clips = pd.factorize(group["clip"], sort=True)
    point = (
        group.groupby(by, sort=True, dropna=False).ngroup().to_numpy() if by else np.zeros(len(group), int)
    )
    limits = y.lowest, y.highest
    rates = [rate for rate in RATES if rate in group]
    columns = {name: group[name].to_numpy() for name in {x.name, y.name, *rates, "cell"} if name in group}
    rows = []
    for number in range(point.max() + 1):
        at = np.flatnonzero(point == number)
        order = at[np.argsort(row[at] * len(clips) + clip[at])]
        if (np.diff(row[order] * len(clips) + clip[order]) == 0).any():
            raise PlotError(
                f"several cells have the same clip, system, {x.name} and loss pattern; something varies that the "
                "table does not name: run the sweep again with this version, or choose with --where"
            )
        values = np.full((row.max() + 1, len(clips)), np.nan)
        values[row[at], clip[at]] = columns[y.name][at]
        rows.append(
            {
                "x": columns[x.name][at[0]] if x.name in by else _mean(columns[x.name][at]),
                **interval(values, *limits)._asdict(),
                "patterns": by_pattern(values, *limits),
                "clips": len(np.unique(clip[at])),
                "cells": tuple(columns["cell"][order]) if "cell" in columns else (),
                **{rate: _mean(columns[rate][at]) for rate in rates},
            }
        )
    return pd.DataFrame(rows).sort_values("x", ignore_index=True)


def _mean(values: np.ndarray) -> float:
    """The mean without nan; nan of nothing."""
    there = values[~np.isnan(values)]
    return float(there.mean()) if there.size else np.nan


def _title(sweep: Sweep, part: pd.DataFrame, condition: dict[str, str | None], own: bool) -> str:
    """A condition in words: what is the endpoints' own, or the rest of it."""
    words = []
    for name, key in condition.items():
        if key is None or own != stands_everywhere(sweep, name):
            continue
        if name in ("code", "endpoint"):
            name_of = sweep.label(part["endpoint"].iloc[0])
            words.append(name_of.code or "no repair" if name == "code" else str(name_of))
        else:
            words.append(value_in_words(sweep, name, key))
    return ", ".join(phrase for phrase in words if phrase)


def _small_multiples(found: list[Panel]) -> list[Panel]:
    """Panels of at most MOST_CURVES curves: fuller ones are split by system, the others in grey.

    A system that has nothing of what the endpoints' panels differ by stands once.
    """
    systems = dict.fromkeys(curve.label.system for panel in found for curve in panel.curves)
    if len(systems) < 2 or all(len(panel.curves) <= MOST_CURVES for panel in found):
        return found
    split: list[Panel] = []
    for row, panel in enumerate(found):
        for system in systems:
            own = tuple(c for c in panel.curves if c.label.system == system)
            others = tuple(c for c in panel.curves if c.label.system != system)
            if not own:
                continue
            same = next((p for p in split if p.network == panel.network and _equal(p.curves, own)), None)
            if same is None:
                split.append(Panel(panel.network, panel.endpoint, own, others, row))
            else:
                split[split.index(same)] = replace(same, endpoint="")
    return split


def _equal(one: tuple[Curve, ...], other: tuple[Curve, ...]) -> bool:
    return one == other and all(a.points.equals(b.points) for a, b in zip(one, other, strict=True))
