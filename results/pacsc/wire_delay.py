"""`python results/pacsc/wire_delay.py DIR`: wire rate against delay at equal quality, of a sweep `pacsc_group`.

For each packet code and each delay that a viewer would bear: the lowest wire rate (parity and RTP/UDP/IP headers
included) at which the coefficients' RMSE stays within a target, over code rates, groups and look-aheads.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from lossweep.endpoints.fec.code import CODES
from lossweep.endpoints.syncsc.codes.interleaving import Layout
from lossweep.experiments.confidence import interval
from lossweep.experiments.looks import COLOURS, LINES, MARKERS, SIZE

TARGETS = (0.01, 0.02, 0.05)
FPS = 25
WAYS = ["code", "code_rate", "group", "look_ahead", "loss_rate"]


def ways(table: pd.DataFrame) -> pd.DataFrame:
    """Each way of sending: RMSE with 95 % interval over loss patterns, kbit/s on the wire, delay in ms.

    Of a frame, from its end to when it is shown: the rest of its block and the look-ahead; the network's own
    delay comes on top.
    """
    rows = []
    for key, group in table.groupby(WAYS):
        values = group.pivot_table(index="repetition", columns="clip", values="coefficient_rmse")
        rmse = interval(values.to_numpy(), lowest=0.0)
        way = dict(zip(WAYS, key, strict=True))
        frames = Layout(float(way["code_rate"]), int(way["group"]), int(way["look_ahead"])).delay_frames
        rows.append(
            way
            | {"rmse": rmse.mean, "lower": rmse.lower, "upper": rmse.upper}
            | {"wire_kbps": group["wire_bps"].mean() / 1000, "delay_ms": frames * 1000 / FPS}
        )
    return pd.DataFrame(rows)


def frontier(found: pd.DataFrame, target: float) -> pd.DataFrame:
    """The ways that keep the target and need less rate than all that wait no longer, by delay."""
    good = found[found["rmse"] <= target].sort_values(["delay_ms", "wire_kbps"])
    return good[good["wire_kbps"] < good["wire_kbps"].astype(float).cummin().shift(fill_value=np.inf)]


def main(argv: list[str] | None = None) -> int:
    """Draws `plots/wire_delay.png` and `.pdf`, and writes the CSV behind it; returns the exit status."""
    parser = argparse.ArgumentParser(prog="wire_delay.py", description=__doc__)
    parser.add_argument("directory", type=Path)
    path = parser.parse_args(argv).directory / "table.parquet"
    if not path.exists():
        print(f"{path} is missing; run `lossweep run pacsc_group --out DIR` first", file=sys.stderr)
        return 2
    folder = path.parent / "plots"
    folder.mkdir(exist_ok=True)
    found = ways(pd.read_parquet(path))
    found.to_csv(folder / "wire_delay.csv", index=False)
    _draw(found, folder)
    return 0


def _draw(found: pd.DataFrame, folder: Path) -> None:
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    mpl.rcParams.update(SIZE)
    losses, codes = sorted(found["loss_rate"].unique()), list(found["code"].unique())
    figure = Figure(figsize=(3.2 * len(losses), 2.6 * len(TARGETS)))
    axes = figure.subplots(len(TARGETS), len(losses), sharex=True, sharey=True, squeeze=False)
    longest = found["delay_ms"].max()
    for row, target in zip(axes, TARGETS, strict=True):
        for axis, loss in zip(row, losses, strict=True):
            for i, code in enumerate(codes):
                best = frontier(found[(found["loss_rate"] == loss) & (found["code"] == code)], target)
                if len(best):
                    axis.step(
                        [*best["delay_ms"], longest],
                        [*best["wire_kbps"], best["wire_kbps"].iloc[-1]],
                        where="post",
                        color=COLOURS[i],
                        ls=LINES[i],
                        lw=1 + 0.7 * (len(codes) - i),  # what lies on another line shows on both sides of it
                        alpha=0.8,
                    )
                    axis.plot(best["delay_ms"], best["wire_kbps"], MARKERS[i], color=COLOURS[i], ms=4)
            axis.set_title(f"loss {100 * loss:g} %, RMSE at most {target:g}", fontsize=9)
            axis.grid(alpha=0.3)
    for axis in axes[-1]:
        axis.set_xlabel("delay of block and look-ahead / ms")
    for axis in axes[:, 0]:
        axis.set_ylabel("wire rate / kbit/s")
    lines = [Line2D([], [], color=COLOURS[i], ls=LINES[i], marker=MARKERS[i]) for i in range(len(codes))]
    met = {code for code in codes if found.loc[found["code"] == code, "rmse"].min() <= max(TARGETS)}
    names = [(CODES.get(c).title or "no repair") + ("" if c in met else " (meets none)") for c in codes]
    figure.legend(lines, names, ncols=len(codes), loc="upper center", frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 0.95))
    for suffix in ("png", "pdf"):
        figure.savefig(folder / f"wire_delay.{suffix}", dpi=130)


if __name__ == "__main__":
    sys.exit(main())
