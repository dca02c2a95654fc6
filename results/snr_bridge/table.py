"""Prints the page's tables of a sweep: means over clips, and of the H.264 senders the best that the link carries.

python results/snr_bridge/table.py results/snr_bridge/faces lpips psnr ms_ssim face_lpips frozen_share rho_used
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from lossweep.experiments.sweep import Sweep

RHO = 1 / 32
CHOICE = "lpips"
"""By this the best rate is chosen, of those whose channel uses the link has."""


def main(folder: str, *names: str) -> None:
    """Prints one table per column."""
    sweep = Sweep.read(Path(folder))
    rates = ["target_bps"] if "target_bps" in sweep.table else []
    keys = ["endpoint", *rates, "snr_db"]
    means = sweep.table.groupby(keys, dropna=False, sort=False)[list(names)].mean().reset_index()
    fits = means[means["rho_used"] <= RHO * 1.001] if "rho_used" in names else means
    best = fits.loc[fits.groupby(["endpoint", "snr_db"], sort=False)[CHOICE].idxmin()]
    for name in names:
        wide = best.pivot_table(index="endpoint", columns="snr_db", values=name, sort=False, dropna=False)
        wide.index = [str(sweep.label(endpoint)) for endpoint in wide.index]
        print(f"{name}\n{wide.sort_index(axis=1).round(4).to_string()}\n")
    if rates:
        chosen = best.dropna(subset=rates).pivot_table(
            index="endpoint", columns="snr_db", values="target_bps"
        )
        print(f"chosen rate, bit/s\n{chosen.to_string()}")


if __name__ == "__main__":
    pd.set_option("display.width", 200)
    main(*sys.argv[1:])
