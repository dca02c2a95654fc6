"""Rows of a page's table: `python results/jscc_snr/means.py FOLDER METRIC [COLUMN ...]`.

Means over clips and patterns. A row for each system, apart by its values of the
columns; a column for each SNR.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from lossweep.experiments.sweep import Sweep

DIGITS = {"psnr": 1, "ms_ssim": 3, "lpips": 2}


def main(folder: str, metric: str, *columns: str) -> None:
    """Prints the rows."""
    sweep = Sweep.read(Path(folder))
    table = sweep.table

    def name(row: pd.Series) -> str:
        apart = [
            f"{row[c]:.4g}" if isinstance(row[c], float) else str(row[c]) for c in columns if pd.notna(row[c])
        ]
        return ", ".join([str(sweep.label(row["endpoint"])), *apart])

    names = table.apply(name, axis=1).rename("system")
    wide = table.pivot_table(index=names, columns="snr_db", values=metric, sort=False)
    print("| SNR / dB |", " | ".join(f"{snr:g}" for snr in wide.columns), "|")
    print("|---" * (len(wide.columns) + 1) + "|")
    for system, row in wide.iterrows():
        print("|", system, "|", " | ".join(f"{value:.{DIGITS.get(metric, 2)}f}" for value in row), "|")


if __name__ == "__main__":
    main(*sys.argv[1:])
