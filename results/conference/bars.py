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
    "pesq": ("PESQ", 1),
    "wire_bps": ("wire rate / kbit/s", 0.001),
}
NAMES = {
    (False, "none"): "key frames on request only",
    (True, "none"): "and retransmission",
    (True, "webrtc"): "and FEC by WebRTC's rule",
    (True, "hybrid"): "and FEC by the hybrid rule",
}


def main(table: Path, out: Path) -> None:
    """One panel per column; the mean over loss patterns, whose single values are dots."""
    rows = pd.read_csv(table)
    networks = list(dict.fromkeys(rows["channel"]))
    figure, axes = plt.subplots(2, 2, figsize=(13, 7), constrained_layout=True)
    for axis, (column, (label, factor)) in zip(axes.flat, SHOWN.items(), strict=True):
        for place, (key, name) in enumerate(NAMES.items()):
            own = rows[(rows["nack"] == key[0]) & (rows["adaptive_fec"] == key[1])]
            values = [own.loc[own["channel"] == network, column] * factor for network in networks]
            x = np.arange(len(networks)) + 0.2 * (place - 1.5)
            axis.bar(x, [v.mean() for v in values], 0.19, label=name)
            for at, v in zip(x, values, strict=True):
                axis.plot([at] * len(v), v, ".", color="black", ms=3)
        axis.set_ylabel(label)
        axis.set_xticks(range(len(networks)), [n.replace("_", "\n") for n in networks], fontsize=8)
    axes[0, 1].set_ylim(0.8, 1.0)
    axes[1, 0].set_ylim(1, 4.65)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, fontsize=9)
    figure.savefig(out / "bars.png", dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
