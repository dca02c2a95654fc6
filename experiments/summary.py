"""The first table of the report: rate and delay of each system, and its quality at a small and at a typical loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lossweep.experiments.column import Column
from lossweep.experiments.price import overhead
from lossweep.experiments.sweep import Sweep
from lossweep.experiments.systems import System, systems

FROZEN_AT_MOST = 0.05
"""Largest share of frames not shown in a usable call."""
RELATIVE = 0.1
"""Distance to the quality without loss, as a part of it, where a column does not declare one."""
MEDIA = ("pictures", "speech", "words")
ABSENT = "-"


@dataclass(frozen=True)
class Summary:
    """The table.

    Attributes:
        smallest, typical: the two loss rates of the columns; both are in the sweep.
        qualities: the metric of each medium, as far as the sweep has one.
        heads, groups: text of the cells; rows by the condition under which they were measured, "" for the only one.
        criterion: what "usable up to" means, one sentence; "" and no such column where there is no metric of quality.
    """

    smallest: float
    typical: float
    qualities: tuple[Column, ...]
    heads: tuple[str, ...]
    groups: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]
    criterion: str

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """The rows of all groups."""
        return tuple(row for _, rows in self.groups for row in rows)


def summarise(sweep: Sweep) -> Summary:
    """The summary of a sweep over loss rates."""
    losses = np.sort(sweep.table["loss_rate"].unique())
    smallest, typical = float(losses[0]), typical_loss(sweep)
    qualities = main_qualities(sweep)
    levels = dict.fromkeys((smallest, typical))
    at = {loss: f"{100 * loss:g}\u00a0%" for loss in levels}
    heads = ["system", "wire rate / kbit/s", "bytes added by repair", "delay / ms"]
    if "frozen_share" in sweep.table:
        heads += [f"frozen at {at[loss]} loss" for loss in levels]
    shown = qualities or ((sweep.column("post_repair_loss"),) if "post_repair_loss" in sweep.table else ())
    heads += [f"{column.label} at {at[loss]} loss" for column in shown for loss in levels]
    everything = systems(sweep)
    groups = tuple(
        (
            condition,
            tuple(
                _row(s, everything, qualities, shown, list(levels))
                for s in everything
                if s.condition == condition
            ),
        )
        for condition in dict.fromkeys(system.condition for system in everything)
    )
    return Summary(
        smallest,
        typical,
        qualities,
        (*heads, "usable up to a loss of") if qualities else tuple(heads),
        groups,
        _criterion(qualities, smallest, "frozen_share" in sweep.table),
    )


def typical_loss(sweep: Sweep) -> float:
    """The loss rate of the sweep that is nearest to the scenario's `report.loss_rate`."""
    losses = np.sort(sweep.table["loss_rate"].unique())
    wanted = sweep.manifest["scenario"].get("report", {}).get("loss_rate", 0.1)
    return float(losses[np.argmin(np.abs(losses - wanted))])


def main_qualities(sweep: Sweep) -> tuple[Column, ...]:
    """The metric of each medium: the first of the scenario's plots, else the first of the table."""
    drawn = [y for y in sweep.manifest["scenario"].get("plot", {}).get("y", ()) if y in sweep.table]
    known = [sweep.column(name) for name in (*drawn, *sweep.table.columns)]
    there = [c for c in known if c.role == "quality" and c.better and sweep.table[c.name].notna().any()]
    firsts = (next((c for c in there if c.media == medium), None) for medium in MEDIA)
    found = tuple(c for c in firsts if c is not None)
    return found or tuple(there[:1])


def usable_up_to(table: pd.DataFrame, qualities: Sequence[Column]) -> str:
    """The largest loss up to which a system can be used, as text; "-" where none of the metrics applies, or the
    system has met one loss rate only.

    At it and at all smaller losses, on average: at most 5 % of the frames are not shown, and each quality is within its
    distance of the value at the smallest loss.
    """
    own = [c for c in qualities if table[c.name].notna().any()]
    if not own or table["loss_rate"].nunique() < 2:
        return ABSENT
    columns = [c.name for c in own] + (["frozen_share"] if "frozen_share" in table else [])
    means = table.groupby("loss_rate")[columns].mean().sort_index()
    good = pd.Series(True, means.index)
    for column in own:
        values = means[column.name]
        clean = values.iloc[0]
        distance = column.near if column.near is not None else RELATIVE * abs(clean)
        worse = clean - values if column.better == "higher" else values - clean
        good &= worse <= distance + 1e-9
    if "frozen_share" in means:
        good &= ~(means["frozen_share"] > FROZEN_AT_MOST + 1e-9)
    if not good.iloc[0]:
        return "never"
    held = good.index[: int(np.argmin(good.to_numpy()))] if not good.all() else good.index
    return f"{'at least ' if good.all() else ''}{100 * held[-1]:g} %"


def _row(
    system: System,
    everything: Sequence[System],
    qualities: Sequence[Column],
    shown: Sequence[Column],
    levels: Sequence[float],
) -> tuple[str, ...]:
    table = system.table
    added = overhead(system, everything)
    cells = [
        system.way,
        number(table["wire_bps"].mean() / 1000),
        ABSENT if added is None else f"{100 * added:.0f} %",
        f"{1000 * table['shown_delay_s'].mean():.0f}",
    ]
    at = [table[table["loss_rate"] == loss] for loss in levels]
    if "frozen_share" in table:
        cells += [
            f"{100 * part['frozen_share'].mean():.0f} %" if _any(part, "frozen_share") else ABSENT
            for part in at
        ]
    cells += [_mean(part, column) for column in shown for part in at]
    return (*cells, usable_up_to(table, qualities)) if qualities else tuple(cells)


def number(value: float) -> str:
    """Three digits, or all of those before the point."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _any(table: pd.DataFrame, name: str) -> bool:
    return bool(table[name].notna().any())


def _mean(table: pd.DataFrame, column: Column) -> str:
    """Mean as text; of units only the per cent sign, which the head of the column does not have."""
    if not _any(table, column.name):
        return ABSENT
    return number(column.factor * table[column.name].mean()) + ("\u00a0%" if column.shown == "%" else "")


def _criterion(qualities: Sequence[Column], smallest: float, pictures: bool) -> str:
    if not qualities:
        return ""
    distances = [
        f"{c.label} within {c.near * c.factor:g}{' ' if c.shown or c.unit else ''}{c.shown or c.unit}"
        if c.near is not None
        else f"{c.label} within {100 * RELATIVE:g} %"
        for c in qualities
    ]
    reference = (
        "without loss" if smallest == 0 else f"at {100 * smallest:g} % loss, the smallest of this sweep"
    )
    frozen = [f"at most {100 * FROZEN_AT_MOST:g} % of the frames not shown"] if pictures else []
    said = "; ".join([*frozen, *distances])
    return (
        f"Usable up to a loss: at this and all smaller losses, on average, {said} of the value {reference}."
    )
