"""How far each system is above another in PSNR and MS-SSIM, over clips: `python results/jscc_snr/differences.py`.

Reads table.csv of natural/, faces/, groups/natural/ and groups/faces/ beside it, writes differences.csv: for each kind
of clip, bandwidth ratio, pair of systems, metric and SNR (and "mean" over the SNRs) the mean over clips of the
difference, with its 95 % interval (Student's t over clips). All systems of a clip meet the same noise.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from lossweep.experiments.confidence import interval

HERE = Path(__file__).parent
KINDS = ("faces", "natural")
PAIRS = (
    ("hybrid-jscc", "softcast"),
    ("hybrid-jscc", "flow-jscc"),
    ("flow-jscc", "softcast"),
    ("flow-jscc", "deepwive, learned"),
    ("deepwive, learned", "deepwive, uniform"),
    ("hybrid-jscc", "h264-ldpc, fixed"),
    ("flow-jscc", "h264-ldpc, fixed"),
    ("hybrid-jscc", "h264-ldpc, adaptive"),
    ("flow-jscc", "h264-ldpc, adaptive"),
)
OF_GROUPS = (
    ("hybrid-jscc, 8 frames", "hybrid-jscc, 4 frames"),
    ("hybrid-jscc, 8 frames", "softcast, 8 frames"),
    ("hybrid-jscc, 8 frames", "h264-ldpc, adaptive, 8 frames"),
    ("hybrid-jscc, 4 frames", "hybrid-jscc, linear, 4 frames"),
    ("hybrid-jscc, linear, 4 frames", "softcast, 4 frames"),
)
METRICS = ("psnr", "ms_ssim")
COLUMNS = ("clips", "rho", "system", "above", "metric", "snr_db", "mean", "lower", "upper", "n")
Row = tuple[str | float, ...]


def main() -> None:
    """Writes the table and prints what it says of PSNR at ratio 1/32."""
    rows = [row for kind in KINDS for row in differences(kind, pd.read_csv(HERE / kind / "table.csv"), PAIRS)]
    for kind in KINDS:
        table = pd.read_csv(HERE / "groups" / kind / "table.csv")
        table["endpoint_name"] += table["restore"].eq(False).map({True: ", linear", False: ""})
        rows += differences(kind, table, OF_GROUPS, " frames")
    found = pd.DataFrame(rows, columns=list(COLUMNS)).round(4)
    found.to_csv(HERE / "differences.csv", index=False)
    shown = found[(found["metric"] == "psnr") & found["rho"].between(0.03, 0.04)]
    for (kind, system, other), part in shown.groupby(["clips", "system", "above"], sort=False):
        ends = part[["mean", "lower", "upper"]].to_numpy()
        values = (f"{mean:+.1f} ({lower:+.1f} to {upper:+.1f})" for mean, lower, upper in ends)
        print(f"| {kind}, {system} over {other} | {' | '.join(values)} |")


def differences(
    kind: str, table: pd.DataFrame, pairs: tuple[tuple[str, str], ...], frames: str = ""
) -> Iterator[Row]:
    """Rows of the table of one sweep.

    Args:
        frames: what follows the length of a group in the names of systems; "" leaves the length out.
    """
    name = table["endpoint_name"]
    for option in ("link", "allocation"):
        if option in table:
            name = name + table[option].map(lambda value: "" if pd.isna(value) else f", {value}")
    table["system"] = name + ", " + table["gop"].astype(int).astype(str) + frames if frames else name
    for rho, part in table.groupby("rho"):
        for metric in (metric for metric in METRICS if metric in part):
            values = part.pivot_table(index=["clip", "snr_db"], columns="system", values=metric)
            for system, other in pairs:
                above = (values[system] - values[other]).unstack("snr_db")
                above["mean"] = above.mean(axis=1)
                for snr_db, of_clips in above.items():
                    yield (kind, rho, system, other, metric, snr_db, *interval(of_clips.to_numpy()))


if __name__ == "__main__":
    main()
