"""Tables of a paper with our values beside its own: the SyncSC paper's Tables II to IV for a sweep of voices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from lossweep.experiments.column_table import COLUMNS
from lossweep.experiments.confidence import interval
from lossweep.experiments.sweep import Sweep

VOICES = {"tacotron2": "Tacotron 2", "fastspeech2": "FastSpeech 2", "visual": "visual-guided"}
# The SyncSC paper (arXiv 2408.04535), Chem data: Table II bit/s, UTMOS, PESQ; Table III; Table IV LSE-D, LSE-C.
TABLE_II = {
    "the clip itself": "256k / 3.834 / 4.5",
    "AAC": "18k / 2.894 / 2.346",
    "Opus": "8k / 2.8957 / 3.591",
    "visual-guided": "55.37 / 2.878 / 1.104",
}
TABLE_III = {
    "Tacotron 2": "15.61 / 7.92 / 11.13 / 0.13 / 0.42 / 20.16",
    "FastSpeech 2": "17.35 / 10.43 / 15.32 / 0.13 / 0.37 / 21.17",
    "visual-guided": "9.48 / 5.60 / 7.41 / 0.47 / 0.73 / 13.35",
}
TABLE_IV = {
    "the clip itself": "8.086 / 6.127",
    "FastSpeech 2": "13.052 / 2.273",
    "Tacotron 2": "13.304 / 1.831",
    "visual-guided": "8.822 / 5.015",
}
SPEECH = ("utmos", "pesq", "stoi", "dnsmos", "plcmos")
MEL = ("mcd", "mcd_dtw", "mcd_dtw_sl", "mel_ssim", "mfcc_cos", "mfcc_fid")
CLIP_BPS = 256_000


@dataclass(frozen=True)
class Published:
    """A table of a paper: title, ours with the paper's in the last column, and what to know about it."""

    title: str
    table: pd.DataFrame
    note: str


def published(sweep: Sweep) -> list[Published]:
    """Tables II to IV of the SyncSC paper, where the sweep has voices and no loss; else none."""
    rows = sweep.table
    if "voice" not in rows or (rows["loss_rate"] != 0).any() or not rows["voice"].isin(list(VOICES)).any():
        return []
    return tables(rows, "" if rows["clip"].nunique() == 1 else "mean and 95 % interval over clips")


def tables(rows: pd.DataFrame, over: str) -> list[Published]:
    """The three tables of some rows of a sweep of `speech_tables`; `over` says what intervals are over."""
    voiced = {VOICES[name]: rows[rows["voice"] == name] for name in VOICES if (rows["voice"] == name).any()}
    alone = rows[rows["voice"].isna()]
    coded = {
        title: alone[alone["codec"].str.startswith(title.lower())]
        for title in ("AAC", "Opus")
        if alone["codec"].str.startswith(title.lower()).any()
    }
    words = alone[alone["codec"] == "huffman"]
    source = "The last column is of the paper (arXiv 2408.04535), measured on other data"
    notes = "; ".join(filter(None, (f"Ours: {over}" if over else "", source)))
    expert = ", ".join(sorted(rows["lse_expert"].dropna().unique())) if "lse_expert" in rows else ""
    return [
        Published("Table II: speech against its rate", _rates(rows, coded, voiced, words), f"{notes}."),
        Published(
            "Table III: what synthesis makes of the words", _table(voiced, MEL, TABLE_III), f"{notes}."
        ),
        Published(
            "Table IV: lip sync",
            _lips(rows, voiced),
            f"{notes}; the paper's expert is SyncNet, ours {expert}.",
        ),
    ]


def mean(values: pd.Series, digits: int = 2) -> str:
    """Mean over clips with its 95 % interval, as text; "-" of nothing."""
    column = next((c for c in COLUMNS if c.name == values.name), None)
    limits = (column.lowest, column.highest) if column else (None, None)
    return interval(values.dropna().to_numpy(), *limits).text(digits)


def markdown(table: pd.DataFrame) -> list[str]:
    """A table as Markdown lines, and an empty line."""
    lines = [list(table.columns), ["---"] * len(table.columns), *table.astype(str).to_numpy().tolist()]
    return [f"| {' | '.join(line)} |" for line in lines] + [""]


def _rates(
    rows: pd.DataFrame,
    coded: Mapping[str, pd.DataFrame],
    voiced: Mapping[str, pd.DataFrame],
    words: pd.DataFrame,
) -> pd.DataFrame:
    columns = [*(c for c in SPEECH if c in rows), *(c for c in ("heard_wer",) if c in rows)]
    found = _table({**coded, **voiced}, columns, TABLE_II)
    payload = [
        mean((words if name in voiced else part)["payload_bps"], 0)
        for name, part in {**coded, **voiced}.items()
    ]
    found.insert(1, "payload / bit/s", payload)
    clean = {column: "-" for column in found}
    if "heard_wer_clean" in rows:
        clean[_head("heard_wer")] = mean(rows["heard_wer_clean"].groupby(rows["clip"]).first())
    clean |= {"": "the clip itself", "payload / bit/s": str(CLIP_BPS), "paper": TABLE_II["the clip itself"]}
    return pd.concat([found, pd.DataFrame([clean])], ignore_index=True).rename(
        columns={"paper": "paper: bit/s / UTMOS / PESQ"}
    )


def _lips(rows: pd.DataFrame, voiced: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    columns = [c for c in ("lse_d", "lse_c") if c in rows]
    found = _table(voiced, columns, TABLE_IV, 3)
    if "lse_d_clean" not in rows:
        return found
    first = rows.dropna(subset=["lse_d_clean"]).groupby("clip").first()
    clean = {_head(column): mean(first[f"{column}_clean"], 3) for column in columns}
    clean |= {"": "the clip itself", "paper": TABLE_IV["the clip itself"]}
    return pd.concat([pd.DataFrame([clean])[list(found.columns)], found], ignore_index=True)


def _table(
    parts: Mapping[str, pd.DataFrame], columns: Sequence[str], paper: Mapping[str, str], digits: int = 2
) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"": name}
            | {_head(column): mean(part[column], digits) for column in columns if column in part}
            | {"paper": paper.get(name, "-")}
            for name, part in parts.items()
        ]
    )


def _head(column: str) -> str:
    found = next(c for c in COLUMNS if c.name == column)
    return f"{found.label} {'↑' if found.better == 'higher' else '↓'}"
