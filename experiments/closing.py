"""What is said of a finished run, one line each: packets too late, metrics without values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lossweep.experiments.price import late
from lossweep.experiments.sweep import Sweep
from lossweep.experiments.systems import systems


def said(out: Path, metrics: Mapping[str, Sequence[str]]) -> list[str]:
    """The lines.

    Args:
        out: folder of a sweep with a table.
        metrics: their columns, by name.
    """
    sweep = Sweep.read(out)
    lines = late(systems(sweep))
    for name, columns in metrics.items():
        there = [column for column in columns if column in sweep.table]
        numbers = sweep.table[there].select_dtypes("number")
        if not there:
            lines.append(f"{name} has no values: no cell has what it measures (`lossweep list {name}`)")
        elif numbers.isna().all(axis=None):
            lines.append(
                f"{name} has no values: it is not defined in any cell, or failed (`lossweep list {name}`)"
            )
    return lines
