"""Writes the tables of README.md, below its last line of prose, from table.csv: `python results/tables/make.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

HERE = Path(__file__).parent
MARK = "<!-- below: made by make.py -->\n"
VOICES = {"tacotron2": "Tacotron 2", "fastspeech2": "FastSpeech 2", "visual": "visual-guided"}
# The SyncSC paper (arXiv 2408.04535), Chem data: Table II bit/s, UTMOS, PESQ; Table III; Table IV LSE-D, LSE-C.
PAPER_II = {
    "ground truth": ("256k", 3.834, 4.5),
    "aac": ("18k", 2.894, 2.346),
    "opus": ("8k", 2.8957, 3.591),
    "visual": ("55.37", 2.878, 1.104),
}
PAPER_III = {
    "tacotron2": (15.61, 7.92, 11.13, 0.13, 0.42, 20.16),
    "fastspeech2": (17.35, 10.43, 15.32, 0.13, 0.37, 21.17),
    "visual": (9.48, 5.60, 7.41, 0.47, 0.73, 13.35),
}
PAPER_IV = {
    "ground truth": (8.086, 6.127),
    "fastspeech2": (13.052, 2.273),
    "tacotron2": (13.304, 1.831),
    "visual": (8.822, 5.015),
}
SPEECH = ("pesq", "stoi", "dnsmos", "plcmos")
MEL = ("mcd", "mcd_dtw", "mcd_dtw_sl", "mel_ssim", "mfcc_cos", "mfcc_fid")


def mean(values: pd.Series, digits: int = 2) -> str:
    """Mean and half its 95 % interval (Student t over clips)."""
    values = values.dropna()
    if values.empty:
        return ""
    if len(values) == 1:
        return f"{values.iloc[0]:.{digits}f}"
    half = stats.t.ppf(0.975, len(values) - 1) * values.std() / np.sqrt(len(values))
    return f"{values.mean():.{digits}f} ± {half:.{digits}f}"


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table and an empty line."""
    return [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *rows)] + [""]


def sections(rows: pd.DataFrame) -> list[str]:
    """Tables II, III and IV of some clips."""
    voiced = {voice: rows[rows["voice"] == voice] for voice in VOICES}
    coded = {
        name: rows[rows["codec"].str.startswith(name) & rows["voice"].isna()] for name in ("aac", "opus")
    }
    words = rows[rows["codec"] == "huffman"]
    out = ["### Table II: speech against its rate", ""]
    lines = []
    for name, part in [*coded.items(), *voiced.items()]:
        rate = words if name in VOICES else part
        paper = " / ".join(map(str, PAPER_II[name])) if name in PAPER_II else ""
        figures = [mean(part[column]) for column in SPEECH]
        lines.append(
            [VOICES.get(name, name), mean(rate["payload_bps"], 0), *figures, mean(part["heard_wer"]), paper]
        )
    clean = rows["heard_wer_clean"].groupby(rows["clip"]).first()
    lines.append(
        [
            "the clip itself",
            "256000",
            *[""] * len(SPEECH),
            mean(clean),
            " / ".join(map(str, PAPER_II["ground truth"])),
        ]
    )
    head = ["speech", "payload, bit/s", "PESQ ↑", "STOI ↑", "DNSMOS ↑", "PLCMOS ↑", "recognizer's WER ↓"]
    out += table([*head, "paper: bit/s / UTMOS / PESQ"], lines)
    out += ["### Table III: what synthesis makes of the words", ""]
    head = ["voice", "MCD ↓", "MCD-DTW ↓", "MCD-DTW-SL ↓", "mel SSIM ↑", "mfccCOS ↑", "mfccFID ↓", "paper"]
    lines = [
        [VOICES[name], *(mean(part[column]) for column in MEL), " / ".join(map(str, PAPER_III[name]))]
        for name, part in voiced.items()
    ]
    out += table(head, lines)
    expert = ", ".join(sorted(rows["lse_expert"].dropna().unique()))
    out += [f"### Table IV: lip sync, by the expert {expert}", ""]
    first = rows.dropna(subset=["lse_d_clean"]).groupby("clip").first()
    lines = [
        ["the clip itself", *(mean(first[c], 3) for c in ("lse_d_clean", "lse_c_clean")), "8.086 / 6.127"]
    ]
    for name, part in voiced.items():
        paper = " / ".join(map(str, PAPER_IV[name]))
        lines.append([VOICES[name], mean(part["lse_d"], 3), mean(part["lse_c"], 3), paper])
    return out + table(["pictures and sound", "LSE-D ↓", "LSE-C ↑", "paper (SyncNet)"], lines)


def main() -> None:
    """Both halves: people whom no network was trained on, and the built-in clip."""
    rows = pd.read_csv(HERE / "table.csv")
    people, portrait = rows[rows["clip"] != "portrait"], rows[rows["clip"] == "portrait"]
    text = []
    if len(people):
        count = people["clip"].nunique()
        text += [
            f"## {count} people held out",
            "",
            "Mean and 95 % interval over them.",
            "",
            *sections(people),
        ]
    text += ["## The built-in clip", "", *sections(portrait)]
    page = HERE / "README.md"
    prose = page.read_text().partition(MARK)[0] if page.exists() else ""
    page.write_text(prose + MARK + "\n" + "\n".join(text).rstrip() + "\n")


if __name__ == "__main__":
    main()
