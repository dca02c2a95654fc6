"""Curves of a sweep: one per combination of what varies, its points means over clips and loss patterns.

A point never averages over anything else: every other setting that the scenario varies names the curve, is the x axis,
or makes a panel. Settings of the network, the path and the clip make panels of their own accord.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd

from lossweep.experiments.column import Column
from lossweep.experiments.confidence import by_pattern, interval
from lossweep.experiments.naming import follows, phrases, stands_everywhere, value_in_words
from lossweep.experiments.panel import RATES, Curve, Panel
from lossweep.experiments.small_multiples import small_multiples
from lossweep.experiments.sweep import NETWORK, PlotError, Sweep

MOST_PANELS = 12
MOST_LABELS = 20
JOINED = {
    "rate": ("target_bpp", "target_bps", "quantizer", "bitrate"),
    "network": ("playout_delay_s", "look_ahead", "group", "gop", "block_frames", "fec_frames"),
}
"""Along which settings the points of a curve are joined where x was measured: rates, delays."""


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
        found = small_multiples(found)
    most = max((len(panel.curves) for panel in found), default=0)
    if most > MOST_LABELS:
        axes = [name for name in inner if name in sweep.axes] or ["endpoint"]
        raise PlotError(f"{most} curves in a panel; choose some with --where, or --facet {' or '.join(axes)}")
    return found


def patterns(found: Sequence[Panel]) -> tuple[int, int]:
    """The smallest and the largest number of loss patterns, or clips, of a point."""
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
    of_rate = x.name == "code_rate"
    if of_rate:
        part = part.assign(way=_without_rate(sweep, part))
    apart = ["way" if of_rate else "endpoint", *(name for name in inner if name not in joined)]
    found = []
    groups = [group for _, group in part.groupby(apart, sort=False, dropna=False)]
    combinations = [
        {name: _only(group[name]) for name in [apart[0], *inner]}
        | {"endpoint": str(group["endpoint"].iloc[0])}
        for group in groups
    ]
    for one, group, phrase in zip(combinations, groups, phrases(sweep, combinations), strict=True):
        by = joined if measured else [x.name]
        label = sweep.label_of(group)
        if of_rate:
            label = max(
                (sweep.label(e) for e in group["endpoint"].unique()), key=lambda e: len(e.code)
            ).without_rate
        identifier = str(one.get("way", one["endpoint"]))
        found.append(
            Curve(label, phrase, _points(group, x, y, by, sweep.unit == "clip"), identifier, bool(by))
        )
    return found


def _only(values: pd.Series) -> str | None:
    """The only value as text; None where there are several, or none."""
    first = values.iloc[0]
    return None if pd.isna(first) or (values != first).any() else str(first)


def _without_rate(sweep: Sweep, part: pd.DataFrame) -> pd.Series:
    """What is sent with which code, whatever its rate; what has no code belongs to the only code of its system."""
    labels = {endpoint: sweep.label(endpoint).without_rate for endpoint in part["endpoint"].unique()}
    codes: dict[str, set[str]] = {}
    for label in labels.values():
        codes.setdefault(label.system, set()).update({str(label)} if label.code else ())
    names = {
        endpoint: next(iter(codes[label.system]))
        if not label.code and len(codes[label.system]) == 1
        else str(label)
        for endpoint, label in labels.items()
    }
    return part["endpoint"].map(names)


def _points(group: pd.DataFrame, x: Column, y: Column, by: list[str], over_clips: bool) -> pd.DataFrame:
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
        if over_clips:
            values = np.array([_mean(of_clip) for of_clip in values.T if not np.isnan(of_clip).all()])
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
