"""What one cell gives: a row of the table, and a row per frame."""

from __future__ import annotations

from dataclasses import dataclass, field

from lossweep.experiments.parts import Scalar

Row = dict[str, Scalar]


@dataclass(frozen=True)
class Result:
    """A finished cell.

    Attributes:
        row: column name to value.
        frames: column name to one value per scored frame; empty without pictures.
        seconds: stage ("clip", "encode", "simulate", "decode", or a metric) to time spent.
        columns: metric to the columns that it gave.
        notes: one line each: a metric that failed (its columns are nan), a rate that was not met.
    """

    row: Row
    frames: dict[str, list[Scalar]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
