"""How far each system is above another in PSNR and MS-SSIM, over clips: `python results/jscc_snr/differences.py`.

Reads natural/table.csv and faces/table.csv beside it, writes differences.csv: for each kind of clip, bandwidth ratio,
pair of systems, metric and SNR (and "mean" over the SNRs) the mean over clips of the difference, with its 95 % interval
(Student's t over clips). All systems of a clip meet the same noise.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lossweep.experiments.confidence import interval

HERE = Path(__file__).parent
KINDS = ("faces", "natural")
PAIRS = (
    ("hybrid-jscc", "softcast"),
    ("hybrid-jscc", "flow-jscc"),
    ("flow-jscc", "softcast"),
    ("flow-jscc", "deepwive"),
    ("hybrid-jscc", "h264-ldpc, fixed"),
    ("flow-jscc", "h264-ldpc, fixed"),
    ("hybrid-jscc", "h264-ldpc, adaptive"),
    ("flow-jscc", "h264-ldpc, adaptive"),
)
METRICS = ("psnr", "ms_ssim")


def main() -> None:
    """Writes the table and prints the means."""
    rows = []
    for kind in KINDS:
        table = pd.read_csv(HERE / kind / "table.csv")
        table["system"] = table["endpoint_name"].where(
            table["link"].isna(), table["endpoint_name"] + ", " + table["link"].fillna("")
        )
        for rho, part in table.groupby("rho"):
            for metric in METRICS:
                values = part.pivot_table(index=["clip", "snr_db"], columns="system", values=metric)
                for system, other in PAIRS:
                    if {system, other} <= set(values):
                        above = (values[system] - values[other]).unstack("snr_db")
                        above["mean"] = above.mean(axis=1)
                        for snr_db, of_clips in above.items():
                            mean, lower, upper, clips = interval(of_clips.to_numpy())
                            rows.append((kind, rho, system, other, metric, snr_db, mean, lower, upper, clips))
    columns = ["clips", "rho", "system", "above", "metric", "snr_db", "mean", "lower", "upper", "n"]
    found = pd.DataFrame(rows, columns=columns).round(4)
    found.to_csv(HERE / "differences.csv", index=False)
    means = found[(found["metric"] == "psnr") & found["rho"].between(0.03, 0.04)]
    means = means.assign(shown=means.apply(_text, axis=1))
    shown = means.pivot_table(
        index=["clips", "system", "above"], columns="snr_db", values="shown", aggfunc="first", sort=False
    )
    print(shown.to_string())


def _text(row: pd.Series) -> str:
    return f"{row['mean']:+.1f} ({row['lower']:+.1f} to {row['upper']:+.1f})"


if __name__ == "__main__":
    main()
