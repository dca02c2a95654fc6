"""A finished sweep as plots and reports read it: the table, what its columns mean, and what the scenario varied."""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from lossweep.channels.errors import LossweepError
from lossweep.channels.physical import PHYSICAL
from lossweep.channels.registry import did_you_mean
from lossweep.experiments.column import Column, Scalar
from lossweep.experiments.columns import parameter_columns, read_schema, setting, varied
from lossweep.experiments.labels import Label, identified, read_labels, ways

POOLED = ("repetition", "seed")
"""Which loss pattern: what a mean is over, beside the clips."""
NETWORK = ("channel", "path", "clip")
"""Parts of a scenario whose values make panels; those of endpoints make curves."""
IN_LABEL = ("endpoint_name", "code", "code_rate")
COMPARISONS = {
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "=": operator.eq,
}


class PlotError(LossweepError, ValueError):
    """A plot that cannot be drawn as asked; one line with what to do."""


@dataclass(frozen=True)
class Axis:
    """A setting that the scenario varies.

    Attributes:
        part: "endpoint", "channel", "path", "call" or "clip".
        values: in the scenario's order; None where something has no such setting or leaves it open.
        of: for a setting of a channel, the channels that have it.
    """

    name: str
    part: str
    values: tuple[Scalar, ...]
    of: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Sweep:
    """A finished sweep; its table is not changed.

    Attributes:
        table: one row per cell.
        columns: the schema.
        labels: names of systems for people, by the column `endpoint`.
        axes: what varies, beside endpoint, code and loss pattern.
    """

    table: pd.DataFrame
    manifest: Mapping[str, Any]
    columns: Mapping[str, Column]
    labels: Mapping[str, Label]
    axes: Mapping[str, Axis]

    @classmethod
    def read(cls, directory: Path) -> Sweep:
        """The sweep in a folder, from `table.parquet` (or `table.csv`) and `manifest.json`.

        Raises:
            PlotError: no table there, or an empty one.
        """
        manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
        parquet, csv = directory / "table.parquet", directory / "table.csv"
        if not parquet.exists() and not csv.exists():
            raise PlotError(f"{directory} holds no table; run a scenario into it first (lossweep run)")
        table = pd.read_parquet(parquet) if parquet.exists() else pd.read_csv(csv, dtype={"cell": str})
        return cls.of(table, manifest)

    @classmethod
    def of(cls, table: pd.DataFrame, manifest: Mapping[str, Any]) -> Sweep:
        """The sweep of a table and the manifest that came with it."""
        if table.empty or "endpoint" not in table:
            raise PlotError("no cell of this sweep has finished; see failures.json")
        varying = axes(manifest["scenario"])
        table = _with_loss(
            _derived(table, manifest), [a.name for a in varying.values() if a.part == "channel"]
        )
        return cls(table, manifest, read_schema(manifest), read_labels(manifest), varying)

    @property
    def unit(self) -> str:
        """Over what intervals are: "loss pattern", "noise pattern" of symbols, or "clip" where the scenario says so."""
        plot = self.manifest["scenario"].get("plot") or {}
        if plot.get("bands") == "clips":
            return "clip"
        symbols = "channel" in self.table and set(self.table["channel"]) <= set(PHYSICAL.names())
        return "noise pattern" if symbols else "loss pattern"

    def where(self, conditions: Sequence[str]) -> Sweep:
        """The rows that meet all conditions: "column=value", or with !=, <=, >=.

        Raises:
            PlotError: not a condition, an unknown column, or no row is left.
        """
        table = self.table
        for condition in conditions:
            sign = next((s for s in COMPARISONS if s in condition), None)
            if sign is None:
                raise PlotError(f"--where {condition!r} is not of the form column=value (or !=, <=, >=)")
            name, _, text = condition.partition(sign)
            self.column(name)
            table = table[_meets(table[name], sign, text)]
            if table.empty:
                values = ", ".join(map(str, self.table[name].dropna().unique()[:12]))
                raise PlotError(f"--where {condition}: no row is left; {name} has the values {values}")
        return replace(self, table=table)

    def column(self, name: str) -> Column:
        """What a column of the table means.

        Raises:
            PlotError: the table has no such column; the message gives the nearest one.
        """
        if name not in self.table:
            like = did_you_mean(name, self.table.columns)
            raise PlotError(f"unknown column {name!r}{like} (`lossweep columns` lists them)")
        return self.columns.get(name) or setting(name)

    def label(self, endpoint: str) -> Label:
        """The name of a system for people; its identifier where there is none."""
        return self.labels.get(endpoint) or Label(endpoint)

    def label_of(self, rows: pd.DataFrame) -> Label:
        """The name of the one system of these rows, without a packet code that a rule of a call stands in for."""
        found = self.label(str(rows["endpoint"].iloc[0]))
        by_rule = (
            "adaptive_fec" in rows
            and not (rows["adaptive_fec"].isna() | (rows["adaptive_fec"] == "code")).any()
        )
        return Label(found.system) if by_rule else found

    def values(self, name: str) -> pd.Series:
        """The values of an axis per row as text; None where the row has no such setting.

        Raises:
            PlotError: the table has no column for it.
        """
        axis = self.axes[name]
        if name not in self.table:
            return self._by_endpoint(name)
        known = {_key(value) for value in axis.values if value is not None}
        found = self.table[name].map(_key)
        held = found.isin(known)
        if axis.of and "channel" in self.table:
            held &= self.table["channel"].isin(axis.of)
        return found.astype(object).where(held, None)

    def _by_endpoint(self, name: str) -> pd.Series:
        """The values of an axis without a column, where the identifiers tell them apart."""
        held: dict[str, set[str | None]] = {}
        for identifier, endpoint, code in identified(self.manifest["scenario"]):
            value = parameter_columns({"endpoint": endpoint, "code": code}).get(name)
            held.setdefault(identifier, set()).add(None if value is None else _key(value))
        if not held or any(len(values) > 1 for values in held.values()) or self.axes[name].part != "endpoint":
            raise PlotError(
                f"the sweep varies {name}, for which its table has no column; run it again with this version"
            )
        found = {identifier: values.pop() for identifier, values in held.items()}
        return pd.Series([found.get(e) for e in self.table["endpoint"]], self.table.index, dtype=object)

    def value(self, name: str, key: str | None) -> Scalar:
        """The scenario's value of an axis for what `values` gives as text."""
        return next((v for v in self.axes[name].values if v is not None and _key(v) == key), None)


def axes(scenario: Mapping[str, Any]) -> dict[str, Axis]:
    """What a scenario, as a manifest keeps it, varies beside endpoint, code and loss pattern."""
    from lossweep.experiments.axes import expand

    found: dict[str, Axis] = {}
    for part in ("clip", "channel", "path", "call"):
        members = expand(scenario.get(part) or [])
        rows = [parameter_columns({part: member}) for member in members]
        for name, values in varied(rows).items():
            of = (
                tuple(dict.fromkeys(str(r["channel"]) for r in rows if name in r))
                if part == "channel"
                else ()
            )
            found[name] = Axis(name, part, tuple(values), () if name == "channel" else of)
    every = scenario.get("score_every")
    if isinstance(every, list) and len(every) > 1:
        found["score_every"] = Axis("score_every", "clip", tuple(every))
    rows = [parameter_columns({"endpoint": e, "code": c}) for e, c in ways(scenario)]
    for name, own in _varied_within(rows).items():
        if name not in IN_LABEL and not name.endswith(("_name", "_code", "_code_rate")):
            found[name] = Axis(name, "endpoint", own)
    return found


def _varied_within(rows: list[dict[str, Scalar]]) -> dict[str, tuple[Scalar, ...]]:
    """What varies among endpoints of one kind, with all its values; None counts as one."""
    kinds: dict[tuple[Scalar, ...], list[dict[str, Scalar]]] = {}
    for row in rows:
        kinds.setdefault(tuple(v for k, v in row.items() if k.endswith("_name")), []).append(row)
    names = {
        name: None for kind in kinds.values() for name in kind[0] if len({row.get(name) for row in kind}) > 1
    }
    return {name: tuple(dict.fromkeys(row[name] for row in rows if name in row)) for name in names}


def _key(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:.9g}"


def _meets(values: pd.Series[Any], sign: str, text: str) -> pd.Series[bool]:
    if pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
        if sign in ("<=", ">="):
            raise PlotError(f"--where {values.name}{sign}{text}: {values.name} is no number")
        same: pd.Series[bool] = COMPARISONS[sign](values.map(str), text)
        return same
    try:
        number = float(text)
    except ValueError:
        raise PlotError(f"--where {values.name}{sign}{text}: {text!r} is no number") from None
    close = (values - number).abs() <= 1e-9 * max(1.0, abs(number))
    if sign in ("=", "!="):
        return close if sign == "=" else ~close & values.notna()
    beyond: pd.Series[bool] = COMPARISONS[sign](values, number)
    return close | beyond


def _derived(table: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """The table with two columns that follow from others: share of frames not shown, delay until something is shown."""
    new = {}
    if "frozen_share" not in table and "frames_dropped" in table:
        frames = {name: held.get("frames") or None for name, held in manifest.get("clips", {}).items()}
        new["frozen_share"] = table["frames_dropped"] / table["clip"].map(frames).astype(float)
    if "shown_delay_s" not in table and "end_to_end_delay_s" in table:
        ahead = table["look_ahead_delay_s"].fillna(0.0) if "look_ahead_delay_s" in table else 0.0
        new["shown_delay_s"] = table["end_to_end_delay_s"] + ahead
    return table.assign(**new)


def _with_loss(table: pd.DataFrame, channel: list[str]) -> pd.DataFrame:
    """The table with the mean realised loss of a channel, in 0.1 %, where the channel has no loss rate (a trace).

    Without a loss rate where some rows are of symbols, which have none.
    """
    if "loss_rate" not in table or not table["loss_rate"].isna().any() or "realised_loss" not in table:
        return table
    if table["realised_loss"].isna().any():
        return table.drop(columns="loss_rate")
    keys = [name for name in ("channel", *channel) if name in table and name != "loss_rate"]
    measured = table.groupby(list(dict.fromkeys(keys)), dropna=False)["realised_loss"].transform("mean")
    return table.assign(loss_rate=table["loss_rate"].astype(float).fillna(measured.round(3)))
