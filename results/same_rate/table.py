"""The tables of the page, means over clips and loss patterns: `python results/same_rate/table.py DIR COLUMN ...`."""

import sys
from pathlib import Path

import numpy as np

from lossweep.experiments.sweep import Sweep


def main(folder: Path, names: list[str]) -> None:
    """One table per column: a row for each system, a column for each loss rate."""
    sweep = Sweep.read(folder)
    table = sweep.table.assign(system=sweep.table["endpoint"].map(lambda name: str(sweep.label(name))))
    keys = ["system", "target_bps", "resolution", "clip_fps"]
    for name in names:
        column = sweep.column(name)
        means = table.groupby([*keys, "loss_rate"], dropna=False)[name].mean().unstack()
        rates = table.groupby(keys, dropna=False)["wire_bps"].mean()
        losses = [f"{100 * loss:g} %" for loss in means]
        print(f"| {column.heading()} at loss | fps | height | kbit/s on the wire | {' | '.join(losses)} |")
        print("|---" * (len(losses) + 4) + "|")
        for (key, row), rate in zip(means.iterrows(), rates, strict=True):
            system, _, height, fps = key
            size = "256" if np.isnan(height) else f"{height:.0f}"
            values = " | ".join(f"{column.factor * value:.3g}" for value in row)
            print(f"| {system} | {fps:g} | {size} | {rate / 1000:.1f} | {values} |")
        print()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
