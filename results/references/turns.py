"""LPIPS of each clip by how far its head turns, with one to three references: turns.png.

python results/references/turns.py TABLE.csv OUT
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from lossweep.experiments.looks import COLOURS, MARKERS, SIZE

SHOWN = {"lpips": "LPIPS (squeeze)", "mouth_lpips": "LPIPS of the mouth"}


def main(table: Path, out: Path) -> None:
    """A mark per clip and number of references, at the turn from the first frame; drawn by the generator."""
    rows = pd.read_csv(table)
    rows = rows[rows["drawing"] == "generator"]
    turn = rows[rows["references"] == 1].set_index("clip")["head_turn"]
    with mpl.rc_context(SIZE):
        figure = Figure(figsize=(10.5, 4.2), layout="constrained")
        axes = figure.subplots(1, 2)
        for axis, (column, label) in zip(axes, SHOWN.items(), strict=True):
            for i, (count, some) in enumerate(rows.groupby("references")):
                name = "the first frame" if count == 1 else f"{count} references"
                x = some["clip"].map(turn)
                axis.plot(x, some[column], MARKERS[i], color=COLOURS[i], label=name, linestyle="none")
            for clip, some in rows.groupby("clip"):
                axis.vlines(
                    turn[clip], some[column].min(), some[column].max(), color="0.8", linewidth=1, zorder=0
                )
            axis.set(
                xlabel="largest turn from the first frame / degrees", ylabel=f"{label}\n(lower is better)"
            )
            axis.set(xlim=(0, None), ylim=(0, None))
        axes[0].legend()
        figure.savefig(out / "turns.png", dpi=150)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
