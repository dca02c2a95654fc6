"""Writes table.md from table.csv: `python results/table1/make.py`."""

from pathlib import Path

import pandas as pd

from lossweep.experiments.column_table import COLUMNS
from lossweep.experiments.confidence import interval
from lossweep.experiments.metrics.face import Face

HERE = Path(__file__).parent
# The SyncSC paper (arXiv 2408.04535), Table I, VoxCeleb: bpp, SSIM, LPIPS.
PAPER = {
    "fom-none": (0.0039, 0.710, 0.243),
    "h264-none": (0.0244, 0.877, 0.189),
    "h265-none": (0.0119, 0.860, 0.190),
    "av1-none": (0.0077, 0.867, 0.191),
    "syncsc-pacsc-0.5": (0.0039, 0.745, 0.192),
}
NAMES = {"syncsc-frozen-none": "frozen reference", "syncsc-warp-none": "bare warp"}
RATES = {"syncsc-frozen-none": 0.0}


def spread(values: pd.Series) -> str:
    """Mean with its 95 % interval over clips."""
    column = next(c for c in COLUMNS if c.name == values.name)
    return interval(values.to_numpy(), column.lowest, column.highest).text(3)


def lines(table: pd.DataFrame) -> list[str]:
    """A Markdown table, one row per endpoint."""
    out = [
        "| endpoint | bpp | wire, kbit/s | SSIM ↑ | LPIPS ↓ | below frozen in | syncsc-none below it in "
        "| ms per frame, to send + to show | paper: bpp, SSIM, LPIPS |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    took = pd.read_csv(HERE / "ms.csv").set_index("endpoint")
    frozen = table[table["endpoint"] == "syncsc-frozen-none"].set_index("clip")["lpips"]
    ours = table[table["endpoint"] == "syncsc-none"].set_index("clip")["lpips"]
    for endpoint, rows in table.groupby("endpoint", sort=False):
        bpp = RATES.get(endpoint, rows["bpp"].mean())
        wire = 0.0 if endpoint in RATES else rows["wire_bps"].mean() / 1000
        scores = rows.set_index("clip")["lpips"]
        better, beaten = (scores < frozen).sum(), (ours < scores).sum()
        paper = ", ".join(map(str, PAPER[endpoint])) if endpoint in PAPER else ""
        cells = [
            NAMES.get(endpoint, endpoint),
            f"{bpp:.4f}",
            f"{wire:.1f}",
            spread(rows["ssim"]),
            spread(rows["lpips"]),
            f"{better} of {len(rows)}",
            f"{beaten} of {len(rows)}",
            f"{took.send_ms[endpoint]:.1f} + {took.show_ms[endpoint]:.1f}",
            paper,
        ]
        out.append(f"| {' | '.join(cells)} |")
    return out


def looked_at(table: pd.DataFrame) -> list[str]:
    """The columns of the metric `face` as a Markdown table, one row per endpoint."""
    out = [
        "| endpoint | LPIPS of the face ↓ | LPIPS of the mouth ↓ | AED ↓ | APD, degrees ↓ | closed eyes agree ↑ |",
        "|---|---|---|---|---|---|",
    ]
    for endpoint, rows in table.groupby("endpoint", sort=False):
        cells = [NAMES.get(endpoint, endpoint), *(spread(rows[name].dropna()) for name in Face.columns)]
        out.append(f"| {' | '.join(cells)} |")
    return out


def main() -> None:
    """Both halves: people held out from training, and the built-in clip."""
    table = pd.read_csv(HERE / "table.csv")
    people, portrait = table[table["clip"] != "portrait"], table[table["clip"] == "portrait"]
    text = [
        "## People held out",
        "",
        f"{people['clip'].nunique()} clips, mean and 95 % interval over them.",
        "",
    ]
    text += [
        *lines(people),
        "",
        "What people look at (`face`; README, metrics), mean over clips:",
        "",
        *looked_at(people),
    ]
    text += ["", "## The built-in clip", "", *lines(portrait), "", *looked_at(portrait), ""]
    clips = people.pivot_table(index="clip", columns="endpoint", values="lpips", sort=False)
    text += ["## LPIPS by clip", "", "| clip | " + " | ".join(NAMES.get(c, c) for c in clips) + " |"]
    text += ["|---" * (len(clips.columns) + 1) + "|"]
    text += [f"| {name} | " + " | ".join(f"{v:.3f}" for v in row) + " |" for name, row in clips.iterrows()]
    (HERE / "table.md").write_text("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
