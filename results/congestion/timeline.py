"""Rates and queueing delay of the congestion scenarios over time, as RFC 8867 asks for them: timeline.png, rates.csv.

python results/congestion/timeline.py OUT [SCENARIO ...]
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from lossweep.experiments import calls
from lossweep.experiments.evaluator import Evaluator
from lossweep.experiments.scenario_file import load

CAPACITY = {
    "congestion": ((0, 1.0), (40, 2.5), (60, 0.6), (80, 1.0), (104, 1.0)),
    "congestion_two": ((0, 2.0), (25, 1.0), (50, 1.75), (75, 0.5), (100, 1.0), (128, 1.0)),
    "congestion_three": ((0, 3.5), (160, 3.5)),
}
TITLES = {
    "congestion": "5.1: capacity varies",
    "congestion_two": "5.2: two calls",
    "congestion_three": "5.4: three calls, 20 s apart",
}
STEP_S, ONE_WAY_S = 1.0, 0.05


def main(out: Path, names: list[str]) -> None:
    """Runs the scenarios and draws a column for each, a row for each congestion control, and the delay below."""
    out.mkdir(parents=True, exist_ok=True)
    evaluator = Evaluator([])
    figure, axes = plt.subplots(
        3, len(names), figsize=(4.5 * len(names), 8), sharex="col", squeeze=False, constrained_layout=True
    )
    rows: list[tuple[object, ...]] = []
    summaries: list[dict[str, object]] = []
    for column, name in enumerate(names):
        for row, cell in enumerate(load(name).cells()):
            assert cell.call is not None
            control = cell.call.congestion_control
            endpoint, encoded = evaluator.encoded(cell)
            clip = evaluator.clip(cell.clip)
            sending = calls.caller(cell, clip, endpoint, encoded)
            results = calls.run(cell, sending)
            columns = calls.columns(cell, clip, sending, results)
            summaries.append({"scenario": name, "control": control} | columns)
            axis = axes[row, column]
            axis.step(*zip(*CAPACITY[name], strict=True), where="post", color="black", lw=1, label="capacity")
            for number, result in enumerate(results):
                forward = result.forward
                there = np.isfinite(forward.arrived_s)
                arrived_s, size = forward.arrived_s[there], forward.size_bytes[there]
                queue_s = arrived_s - forward.sent_s[there] - ONE_WAY_S
                edges = np.arange(0.0, arrived_s.max(), STEP_S)
                place = np.digitize(arrived_s, edges) - 1
                rate = np.bincount(place, size, len(edges)) * 8 / STEP_S
                delay = [
                    1000 * np.percentile(queue_s[place == i], 95) if (place == i).any() else np.nan
                    for i in range(len(edges))
                ]
                seen = np.flatnonzero(rate > 0)[:-1]
                axis.plot(edges[seen], rate[seen] / 1e6, lw=1, label=f"call {number + 1}")
                if number == 0:
                    axes[2, column].plot(edges[seen], np.array(delay)[seen], lw=1, label=control.upper())
                rows += [
                    (name, control, number + 1, edges[i], round(rate[i]), round(delay[i], 1)) for i in seen
                ]
            axis.set_title(f"{TITLES[name]}: {control.upper()}", fontsize=10)
            axis.set_ylim(0, 1.4 * max(rate for _, rate in CAPACITY[name]))
            axis.legend(fontsize=7, loc="upper right", ncols=2)
        axes[2, column].set_xlabel("time / s")
        axes[2, column].set_ylim(0, 420)
        axes[2, column].legend(fontsize=7, loc="upper right", ncols=2)
    axes[0, 0].set_ylabel("received rate / Mbit/s")
    axes[1, 0].set_ylabel("received rate / Mbit/s")
    axes[2, 0].set_ylabel("queueing delay of call 1, 95 % / ms")
    figure.savefig(out / "timeline.png", dpi=120)
    with (out / "rates.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("scenario", "control", "call", "time_s", "received_bps", "queue_p95_ms"))
        writer.writerows(rows)
    pd.DataFrame(summaries).to_csv(out / "summary.csv", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or list(CAPACITY))
