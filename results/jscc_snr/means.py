"""Means over clips and patterns, as rows of a page's table: `python results/jscc_snr/means.py FOLDER METRIC [BY]`.

A row for each system (and each value of the column BY), a column for each SNR.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lossweep.experiments.sweep import Sweep


def main(folder: str, metric: str, *by: str) -> None:
    """Prints the rows."""
    sweep = Sweep.read(Path(folder))
    table = sweep.table.copy()
    table["system"] = [
        f"{sweep.label(e)}, {rho:.4f}" for e, rho in zip(table["endpoint"], table["rho"], strict=True)
    ]
    wide = table.pivot_table(index=[*by, "system"], columns="snr_db", values=metric, sort=False)
    print("| SNR / dB |", " | ".join(f"{snr:g}" for snr in wide.columns), "|")
    for key, row in wide.iterrows():
        names = key if isinstance(key, tuple) else (key,)
        print("|", ", ".join(map(str, names)), "|", " | ".join(f"{value:.1f}" for value in row), "|")


if __name__ == "__main__":
    main(*sys.argv[1:])
