"""What a call reaches on each network with each protection, and what it costs: bars.png.

python results/conference/bars.py TABLE.csv OUT
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lossweep.experiments.looks import COLOURS, MARKERS, SIZE

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
    (True, "none", "fixed"): "retransmission",
    (True, "webrtc", "fixed"): "retransmission, FEC by WebRTC's rule",
    (True, "hybrid", "fixed"): "retransmission, FEC by the hybrid rule",
    (True, "none", "adaptive"): "retransmission, adaptive playout",
}
NETWORKS = {
    "home_wifi_good": "good home\nWi-Fi",
    "home_wifi_bad": "bad home\nWi-Fi",
    "lte_drive": "LTE,\na drive",
    "5g_drive": "5G,\na drive",
    "starlink": "Starlink",
    "congested_uplink": "full\nuplink",
    "conference_call": "bursty\nloss",
}
STEP = 0.15
"""Between the protections of one network, of the distance between two networks."""


def main(table: Path, out: Path) -> None:
    """One panel per column; a mark is the mean over loss patterns, dots are the patterns."""
    rows = pd.read_csv(table)
    networks = list(dict.fromkeys(rows["channel"]))
    with mpl.rc_context(SIZE):
        figure = Figure(figsize=(10.5, 9), layout="constrained")
        axes = figure.subplots(3, 2, sharex=True)
        for axis, (column, (label, factor)) in zip(axes.flat, SHOWN.items(), strict=True):
            for place, (key, name) in enumerate(NAMES.items()):
                own = rows[
                    (rows["nack"] == key[0]) & (rows["adaptive_fec"] == key[1]) & (rows["playout"] == key[2])
                ]
                values = [own.loc[own["channel"] == network, column] * factor for network in networks]
                x = np.arange(len(networks)) + STEP * (place - 2)
                look = {"color": COLOURS[place], "ls": ""}
                means = [v.mean() for v in values]
                axis.plot(x, means, marker=MARKERS[place], ms=6, label=name, zorder=3, **look)
                for at, v in zip(x, values, strict=True):
                    axis.plot([at] * len(v), v, marker=".", ms=3, alpha=0.6, **look)
            axis.set_ylabel(label)
            axis.set_xticks(range(len(networks)), [NETWORKS.get(n, n) for n in networks], fontsize=8)
            axis.set_xticks(np.arange(len(networks) - 1) + 0.5, minor=True)
            axis.tick_params(axis="x", which="both", length=0)
            axis.grid(axis="y", alpha=0.25, lw=0.5)
            axis.grid(axis="x", which="minor", alpha=0.6, lw=0.8)
        for axis in axes[:, 0]:
            axis.yaxis.set_major_locator(MaxNLocator(6))
        axes[1, 0].set_ylim(bottom=0)
        axes[2, 1].set_ylim(bottom=0)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
        figure.savefig(out / "bars.png", dpi=130, metadata={"Software": None})
    print(
        rows.groupby(["channel", "nack", "adaptive_fec", "playout"], sort=False)[list(SHOWN)].mean().round(3)
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
