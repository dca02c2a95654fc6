"""Bars of a conference sweep: frames in time, SSIM, PESQ and wire rate by network and protection: bars.png.

python results/conference/bars.py TABLE.csv OUT
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

SHOWN = {
    "frames_in_time": ("frames in time / %", 100),
    "ssim": ("SSIM", 1),
    "wire_bps": ("wire rate / kbit/s", 0.001),
    "pesq": ("PESQ", 1),
    "e_model_mos": ("E-model MOS", 1),
    "end_to_end_delay_s": ("delay from capture to display / ms", 1000),
}
NAMES = {
    (False, "none", "fixed"): "key frames on request only",
    (True, "none", "fixed"): "and retransmission",
    (True, "webrtc", "fixed"): "and FEC by WebRTC's rule",
    (True, "hybrid", "fixed"): "and FEC by the hybrid rule",
    (True, "none", "adaptive"): "retransmission, adaptive playout",
}
WIDTH = 0.17


def main(table: Path, out: Path) -> None:
    """One panel per column; the mean over loss patterns, whose single values are dots."""
    rows = pd.read_csv(table)
    networks = list(dict.fromkeys(rows["channel"]))
    figure, axes = plt.subplots(2, 3, figsize=(18, 7.5), constrained_layout=True)
    for axis, (column, (label, factor)) in zip(axes.flat, SHOWN.items(), strict=True):
        for place, (key, name) in enumerate(NAMES.items()):
            own = rows[
                (rows["nack"] == key[0]) & (rows["adaptive_fec"] == key[1]) & (rows["playout"] == key[2])
            ]
            values = [own.loc[own["channel"] == network, column] * factor for network in networks]
            x = np.arange(len(networks)) + WIDTH * (place - 2)
            axis.bar(x, [v.mean() for v in values], WIDTH, label=name)
            for at, v in zip(x, values, strict=True):
                axis.plot([at] * len(v), v, ".", color="black", ms=2)
        axis.set_ylabel(label)
        axis.set_xticks(range(len(networks)), [n.replace("_", "\n") for n in networks], fontsize=8)
    axes[0, 1].set_ylim(0.8, 1.0)
    axes[1, 0].set_ylim(1, 4.65)
    axes[1, 1].set_ylim(1, 4.65)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=5, fontsize=9)
    figure.savefig(out / "bars.png", dpi=100)
    print(
        rows.groupby(["channel", "nack", "adaptive_fec", "playout"], sort=False)[list(SHOWN)].mean().round(3)
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
