"""The cheapest wire rate at which each scheme meets targets within a delay budget, for each state of the network.

A scheme is a system with a packet code and mechanisms: "H.264 + RS, retransmission". Its settings are all else that
the scenario varies of endpoints, codes and calls, and the playout delay: code rates, frames per FEC block. For each
state of the network the cheapest setting is taken whose means meet every target. It is called certain where the worse
ends of the 95 % intervals meet them too. Schemes whose rate follows the network (adaptive protection,
congestion control) are compared at their mean wire rate.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lossweep.channels.errors import LossweepError
from lossweep.channels.registry import UnknownName
from lossweep.endpoints.fec.code import CODES
from lossweep.experiments.column import Column
from lossweep.experiments.confidence import Interval, interval
from lossweep.experiments.naming import OF_CODES, value_in_words
from lossweep.experiments.sweep import Sweep

MECHANISMS = ("nack", "adaptive_fec", "pli", "congestion_control", "fec", "redundancy")
SETTINGS_OF_PATH = ("playout_delay_s",)
NO_REPAIR = "no repair"
OFF = ("False", "0")
"""Values of a mechanism that is not used."""
RATE, DELAY = "wire_bps", "shown_delay_s"
FORM = re.compile(r"\s*(\w+)\s*(<=|>=)\s*([-+.\deE]+)\s*(%?)\s*$")
MET: dict[str, Callable[[float, float], bool]] = {"<=": operator.le, ">=": operator.ge}


Row = dict[str, Any]
"""A row of the frontier, as pandas takes it."""


class FrontierError(LossweepError, ValueError):
    """A frontier that cannot be had as asked; one line with what to do."""


@dataclass(frozen=True)
class Target:
    """A limit for a column of the table: `freeze_ratio<=0.01`, in the column's stored unit or in %."""

    column: str
    sign: str
    limit: float

    @classmethod
    def of(cls, text: str) -> Target:
        """The target that a text names.

        Raises:
            FrontierError: not of the form COLUMN<=NUMBER or COLUMN>=NUMBER.
        """
        found = FORM.match(text)
        try:
            if found is None:
                raise ValueError
            number = float(found[3]) / (100 if found[4] else 1)
        except ValueError:
            raise FrontierError(
                f"--target {text!r} is not of the form COLUMN<=NUMBER or COLUMN>=NUMBER, such as freeze_ratio<=1%"
            ) from None
        return cls(found[1], found[2], number)

    def is_met(self, value: Interval) -> tuple[bool, bool]:
        """Whether the mean meets it, and whether the worse end of the interval does too."""
        worse = value.upper if self.sign == "<=" else value.lower
        met = bool(value.n) and MET[self.sign](value.mean, self.limit)
        return met, met and value.n > 1 and MET[self.sign](worse, self.limit)

    def __str__(self) -> str:
        return f"{self.column} {self.sign} {self.limit:g}"


@dataclass(frozen=True)
class Question:
    """What is asked of a sweep.

    Attributes:
        targets: all must be met.
        delay_s: longest delay from capture to display.
        x: column of the network: loss rate.
        y: a second one, such as burst duration or propagation delay; None where the network varies in x alone.
    """

    targets: tuple[Target, ...]
    delay_s: float
    x: str
    y: str | None


def question(sweep: Sweep, targets: Sequence[str], delay_s: float, x: str, y: str | None) -> Question:
    """The question about a sweep, with `y` found where it is not named.

    Raises:
        FrontierError: no target, the network varies in more than x and y, or no cell keeps the delay budget.
        PlotError: an unknown column.
    """
    if not targets:
        raise FrontierError("name what is to be met, such as --target 'frames_in_time>=0.99'")
    parsed = tuple(map(Target.of, targets))
    for target in parsed:
        _check(sweep, target)
    for name in (x, *([y] if y else [])):
        sweep.column(name)
    if y and y not in sweep.axes:
        raise FrontierError(
            f"the sweep does not vary {y}; it varies {', '.join(sweep.axes) or 'nothing'}: name one of these as --y"
        )
    others = [
        name
        for name, axis in sweep.axes.items()
        if axis.part in ("channel", "path", "clip") and name not in (x, *SETTINGS_OF_PATH)
    ]
    if y is None:
        numbers = [name for name in others if name != "channel"]
        y = numbers[0] if len(numbers) == 1 else None
    left = [name for name in others if name != y and not _follows(sweep, name, x, y)]
    if left:
        raise FrontierError(
            f"the sweep varies {', '.join(left)} beside {x}{f' and {y}' if y else ''}; name one of them as --y, or "
            f"choose a value, such as --where {left[0]}={sweep.table[left[0]].dropna().iloc[0]}"
        )
    delays = sweep.table[DELAY].dropna() if DELAY in sweep.table else pd.Series(dtype=float)
    if not (delays <= delay_s + 1e-9).any():
        shortest = f"the shortest has {delays.min():g} s" if len(delays) else f"the table has no {DELAY}"
        raise FrontierError(
            f"no cell keeps a delay of {delay_s:g} s ({shortest}); allow more, or sweep shorter delays"
        )
    return Question(parsed, delay_s, x, y)


def _check(sweep: Sweep, target: Target) -> None:
    """Refuses a target that no row can miss or meet.

    Raises:
        PlotError: an unknown column.
        FrontierError: a column of texts, or a limit outside the column's range.
    """
    column = sweep.column(target.column)
    if not pd.api.types.is_numeric_dtype(sweep.table[target.column]):
        raise FrontierError(
            f"{target.column} holds texts; a target needs a column of numbers, such as freeze_ratio"
        )
    lowest, highest = column.lowest, column.highest
    if (lowest is not None and target.limit < lowest) or (highest is not None and target.limit > highest):
        ends = [
            f"at {word} {end:g}" for word, end in (("least", lowest), ("most", highest)) if end is not None
        ]
        raise FrontierError(f"{target} cannot be: {target.column} is {' and '.join(ends)}")


def frontier(sweep: Sweep, asked: Question) -> pd.DataFrame:
    """One row per state of the network and scheme.

    Returns:
        Columns: x, y ("" where none), scheme, setting (of the cheapest), met, certain, cheapest (of all schemes at this
        state), wire_bps with _lower and _upper, overhead (see `bases`; less 1), each target's column with _lower and
        _upper, n (loss patterns). Where no setting meets the targets, met is False and the values are nan.
    """
    table = sweep.table.assign(
        _scheme=schemes(sweep), _setting=_settings(sweep), _y=_values(sweep, asked.y), _base=bases(sweep)
    )
    table = table[table[DELAY] <= asked.delay_s + 1e-9]
    rows = []
    for (x, y), state in table.groupby([asked.x, "_y"], sort=True, dropna=False):
        found = [
            _cheapest(sweep, part, asked, str(scheme))
            for scheme, part in state.groupby("_scheme", sort=False)
        ]
        least = min((float(row[RATE]) for row in found if row["met"]), default=np.nan)
        for row in found:
            rows.append({"x": x, "y": y, **row, "cheapest": bool(row["met"] and row[RATE] == least)})
    if not rows:
        raise FrontierError("no cell has all that is asked for")
    return pd.DataFrame(rows)


def schemes(sweep: Sweep) -> pd.Series[str]:
    """The scheme of each row, in words."""
    several = _systems(sweep).nunique() > 1
    named = [name for name in MECHANISMS if name in sweep.axes]
    values = {name: sweep.values(name) for name in named}

    def words(place: int) -> str:
        row = sweep.table.iloc[place]
        repairs = str(row.get("adaptive_fec") or "code")
        code = "" if repairs not in ("code", "nan") else code_title(str(row.get("code", "none")))
        own = sweep.label(row["endpoint"])
        parts = [own.joint.join(filter(None, (own.system, code)))] if several else [code]
        for name in named:
            if name == "adaptive_fec":
                parts += [f"FEC by rule {repairs}"] if repairs not in ("code", "none", "nan") else []
            elif values[name].iloc[place] not in OFF:
                parts.append(value_in_words(sweep, name, values[name].iloc[place]))
        return ", ".join(filter(None, parts)) or NO_REPAIR

    return pd.Series([words(place) for place in range(len(sweep.table))], sweep.table.index)


def code_title(name: str) -> str:
    """Title of a packet code; "" of none."""
    try:
        return CODES.get(name).title or ""
    except (UnknownName, ImportError):
        return name


def _cheapest(sweep: Sweep, part: pd.DataFrame, asked: Question, scheme: str) -> Row:
    """The cheapest setting of a scheme that meets the targets at one state of the network."""
    best: Row | None = None
    for setting, rows in part.groupby("_setting", sort=False):
        met, certain = True, True
        values: Row = {}
        for target in asked.targets:
            value = _interval(rows, sweep.column(target.column))
            now, sure = target.is_met(value)
            met, certain = met and now, certain and sure
            values |= _named(target.column, value)
        if not met:
            continue
        rate = _interval(rows, sweep.column(RATE))
        if best is None or rate.mean < best[RATE]:
            best = {
                "scheme": scheme,
                "setting": setting,
                "met": True,
                "certain": certain,
                **_named(RATE, rate),
                "overhead": float((rows[RATE] / rows["_base"] - 1).mean()),
                **values,
                "n": rate.n,
            }
    return best or {"scheme": scheme, "setting": "", "met": False, "certain": False, RATE: np.nan}


def _interval(rows: pd.DataFrame, column: Column) -> Interval:
    patterns = [name for name in ("seed", "repetition") if name in rows]
    table = rows.pivot_table(index=patterns, columns="clip", values=column.name, dropna=False, observed=True)
    return interval(table.to_numpy(dtype=float), column.lowest, column.highest)


def _named(name: str, value: Interval) -> Row:
    return {name: value.mean, f"{name}_lower": value.lower, f"{name}_upper": value.upper}


def bases(sweep: Sweep) -> pd.Series[float]:
    """What the wire rate of each row is compared with, bit/s.

    It is the mean rate of the cheapest setting of the same system and clip without repair. Where the sweep has none, it
    is the rate of the row's own source packets, without headers where they are not told apart.
    """
    table, keys = sweep.table, ["_system", "clip"]
    systems = _systems(sweep)
    plain = table.assign(_system=systems, _setting=_settings(sweep))
    plain = plain[schemes(sweep).isin([NO_REPAIR, *systems.unique()])]
    cheapest = plain.groupby([*keys, "_setting"])[RATE].mean().groupby(keys).min()
    found = [cheapest.get(key, np.nan) for key in zip(systems, table["clip"], strict=True)]
    base = pd.Series(found, table.index, dtype=float)
    if "source_wire_bps" in table:
        base = base.fillna(table["source_wire_bps"])
    if base.isna().any():
        base = base.fillna(table[RATE] / (1 + table["repair_bps"] / table["source_bps"]))
    return base


def _systems(sweep: Sweep) -> pd.Series[str]:
    return sweep.table["endpoint"].map(lambda name: sweep.label(name).system)


def _settings(sweep: Sweep) -> pd.Series[str]:
    """The setting of each row, in words: what varies of it, but its scheme and the network."""
    inner = [
        name
        for name, axis in sweep.axes.items()
        if (axis.part in ("endpoint", "call") and name not in MECHANISMS) or name in SETTINGS_OF_PATH
    ]
    values = {name: sweep.values(name) for name in inner}
    codes = sweep.table["endpoint"].map(lambda name: sweep.label(name).code)
    repairs = sweep.table["adaptive_fec"].map(str) if "adaptive_fec" in sweep.table else None

    def words(place: int) -> str:
        by_rule = repairs is not None and repairs.iloc[place] not in ("code", "nan", "None")
        parts = [] if by_rule else [codes.iloc[place]]
        kept = [name for name in inner if by_rule or codes.iloc[place] or name not in OF_CODES]
        parts += [value_in_words(sweep, name, values[name].iloc[place]) for name in kept]
        return ", ".join(filter(None, parts))

    return pd.Series([words(place) for place in range(len(sweep.table))], sweep.table.index)


def _values(sweep: Sweep, name: str | None) -> pd.Series:
    if name is None:
        return pd.Series("", sweep.table.index)
    return sweep.table[name].where(sweep.values(name).notna(), np.nan)


def _follows(sweep: Sweep, name: str, x: str, y: str | None) -> bool:
    """Whether a setting has one value for each state of x and y."""
    states = sweep.table.assign(_y=_values(sweep, y)).groupby([x, "_y"], dropna=False)
    return bool((states[name].nunique(dropna=False) <= 1).all()) if name in sweep.table else False
