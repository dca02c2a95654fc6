"""The ways of sending of a sweep, each with its rows at all losses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import pandas as pd

from lossweep.experiments.labels import Label
from lossweep.experiments.naming import follows, phrases, stands_everywhere, value_in_words
from lossweep.experiments.sweep import Sweep


@dataclass(frozen=True)
class System:
    """One way of sending under one condition, at all losses.

    Attributes:
        way: the system with its settings, as far as they tell it from others.
        condition: the network's and the clip's settings, as far as they vary.
        table: its rows.
        settings: the values of what the scenario varies, beside the loss rate, as text.
    """

    way: str
    condition: str
    label: Label
    table: pd.DataFrame
    settings: tuple[tuple[str, str | None], ...] = ()

    @property
    def name(self) -> str:
        """Way and condition."""
        return f"{self.way}, {self.condition}" if self.condition else self.way


@lru_cache(maxsize=2)
def systems(sweep: Sweep) -> tuple[System, ...]:
    """Every combination of what the scenario varies beside the loss rate, in the table's order."""
    keys = {
        name: sweep.values(name)
        for name, axis in sweep.axes.items()
        if name != "loss_rate"
        and not (
            axis.part == "channel"
            and "loss_rate" in sweep.table
            and follows(sweep.values(name), sweep.table["loss_rate"])
        )
    }
    frame = sweep.table[["endpoint"]].assign(**keys)
    groups = list(frame.groupby(["endpoint", *keys], sort=False, dropna=False))
    combinations = [
        {name: None if pd.isna(part) else str(part) for name, part in zip(frame.columns, key, strict=True)}
        for key in (rows.iloc[0] for _, rows in groups)
    ]
    own = [
        {k: v for k, v in one.items() if k == "endpoint" or stands_everywhere(sweep, k)}
        for one in combinations
    ]
    names = phrases(sweep, own)
    found = []
    for (_, rows), one, phrase in zip(groups, combinations, names, strict=True):
        label = sweep.label_of(sweep.table.loc[rows.index])
        condition = (
            value_in_words(sweep, k, v)
            for k, v in one.items()
            if k != "endpoint" and not stands_everywhere(sweep, k)
        )
        way = f"{label}, {phrase}" if phrase else str(label)
        settings = tuple((k, v) for k, v in one.items() if k != "endpoint")
        found.append(
            System(way, ", ".join(filter(None, condition)), label, sweep.table.loc[rows.index], settings)
        )
    order = list(dict.fromkeys(system.condition for system in found))
    return tuple(sorted(found, key=lambda system: order.index(system.condition)))
