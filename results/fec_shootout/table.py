"""The table of the page: `python results/fec_shootout/table.py DIR [COLUMN]` prints means over loss patterns.

COLUMN is `post_repair_loss` unless another is named.
"""

import sys
from pathlib import Path

import pandas as pd

from lossweep.experiments.sweep import Sweep


def main() -> None:
    sweep = Sweep.read(Path(sys.argv[1]))
    column = sweep.column(sys.argv[2] if len(sys.argv) > 2 else "post_repair_loss")
    table = sweep.table.assign(system=sweep.table["endpoint"].map(lambda name: str(sweep.label(name))))
    means = table.pivot_table(
        index="system", columns=["channel", "loss_rate"], values=column.name, sort=False
    )
    rates = table.groupby("system", sort=False)["wire_bps"].mean() / 1000
    heads = [f"{100 * loss:g}{' in bursts' if channel != 'bernoulli' else ''}" for channel, loss in means]
    print(f"| {column.heading()} at a loss of, % | {' | '.join(heads)} | kbit/s |")
    print("|---" * (len(heads) + 2) + "|")
    for name, row in means.iterrows():
        cells = " | ".join("-" if pd.isna(value) else f"{column.factor * value:.3g}" for value in row)
        print(f"| {name} | {cells} | {rates[name]:.0f} |")


if __name__ == "__main__":
    main()
