"""Curves of a sweep, with 95 % confidence bands and a caption that says what they were made from."""

from __future__ import annotations

import itertools
import json
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

# Okabe and Ito's colours, one a codec; the line style and marker tell the packet code.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLES = (
    ("-", "o"),
    ("--", "s"),
    (":", "^"),
    ("-.", "D"),
    ((0, (5, 1, 1, 1, 1, 1)), "v"),
    ((0, (1, 3)), "P"),
    ((0, (7, 2)), "X"),
)
PERCENT = ("loss_rate", "realised_loss", "post_repair_loss")
LABELS = {
    "loss_rate": "packet loss rate / %",
    "post_repair_loss": "post-repair loss / %, lower is better",
    "realised_loss": "realised loss / %",
}
NAMES = {"lse_d": "LSE-D", "lse_c": "LSE-C", "playout_in_sync": "share of the time in sync"}
FACETS = {
    "gop": "GOP {:g}",
    "mean_burst_length": "mean burst {:g} packets",
    "packetization": "packetization {}",
}


def points(table: pd.DataFrame, x: str, y: str) -> pd.DataFrame:
    """Mean and 95 % confidence interval of `y` for each endpoint and `x`.

    The interval is Student's t over the cells of a point: its repetitions and, where the table holds several,
    its clips. One cell gives no interval (nan).

    Returns:
        Columns endpoint, x, mean, lower, upper, n.
    """
    grouped = table.dropna(subset=[y]).groupby(["endpoint", x], sort=True)[y]
    out = grouped.agg(mean="mean", sd="std", n="count").reset_index()
    half = stats.t.ppf(0.975, np.maximum(out["n"] - 1, 1)) * out["sd"] / np.sqrt(out["n"])
    return out.assign(lower=out["mean"] - half, upper=out["mean"] + half).drop(columns="sd")


def plot(directory: Path) -> list[Path]:
    """Draws every `y` of the scenario, a figure each: PNG, PDF, the CSV behind it, and its caption (TXT).

    With several clips the figures show all of them together; the band is then over clips and repetitions.

    Returns:
        The files, in `directory/plots`.
    """
    table = pd.read_parquet(directory / "table.parquet")
    manifest = json.loads((directory / "manifest.json").read_text())
    wanted = manifest["scenario"]["plot"]
    folder = directory / "plots"
    folder.mkdir(exist_ok=True)
    facets = [name for name in wanted["facet"] if name in table and table[name].nunique() > 1]
    files: list[Path] = []
    for y in wanted["y"]:
        if y in table and table[y].notna().any():
            files += _figure(table, manifest, wanted["x"], y, facets, folder)
    return files


def caption(table: pd.DataFrame, manifest: dict[str, Any]) -> str:
    """What curves of a table were made from: clips, repetitions, channel, rates, and targets not met."""
    clips = sorted(table["clip"].unique())
    clip = clips[0] if len(clips) == 1 else f"{len(clips)} clips ({', '.join(clips)})"
    over = " over clips and repetitions" if len(clips) > 1 else ""
    times = manifest["seeds"]["repetitions"]
    parts = [
        f"{clip}; {times} repetition{'s' * (times > 1)}, mean and 95 % confidence band "
        f"(Student t{over}); {', '.join(table['channel'].unique())} channel."
    ]
    keys = [key for key in ("codec", "gop") if key in table]
    if "bpp" in table:
        rates = [
            f"{' GOP '.join(f'{n:g}' if n is not name[0] else n for n in name if n == n)}: {_span(group['bpp'], 4)}"
            for name, group in table.dropna(subset=["bpp"]).groupby(keys, dropna=False)
        ]
        parts.append(f"Coded rate in bpp, {'; '.join(rates)}.")
    wire = [
        f"{name} {_span(group['wire_bps'] / 1000, 0)}"
        for name, group in table.groupby("endpoint", sort=False)
    ]
    parts.append(f"Wire rate in kbit/s, parity and RTP/UDP/IP headers included, {'; '.join(wire)}.")
    notes = table.get("rate_note", pd.Series(dtype=str)).dropna()
    missed = sorted({note.split(",")[0] for note in notes if note})
    if missed:
        parts.append(f"Target rate out of reach for {', '.join(missed)}: the nearest was used.")
    return " ".join(parts)


def _span(values: pd.Series, digits: int) -> str:
    low, high = f"{values.min():.{digits}f}", f"{values.max():.{digits}f}"
    return low if low == high else f"{low} to {high}"


def _figure(
    table: pd.DataFrame, manifest: dict[str, Any], x: str, y: str, facets: list[str], folder: Path
) -> list[Path]:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update(
        {"font.size": 9, "pdf.fonttype": 42, "axes.spines.top": False, "axes.spines.right": False}
    )
    levels = [sorted(table[facet].dropna().unique()) for facet in facets]
    panels = list(itertools.product(*levels))
    columns = len(levels[-1]) if levels else 1
    rows = len(panels) // columns
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(max(7.5, 3.4 * columns), 3.2 * rows + 1.6),
        squeeze=False,
        sharex=True,
        sharey=True,
    )
    looks = _looks(table)
    drawn = []
    for axis, panel in zip(axes.flat, panels, strict=True):
        part = table
        for facet, value in zip(facets, panel, strict=True):
            # What has no such thing (a GOP) stands in every panel.
            part = part[(part[facet] == value) | part[facet].isna()]
        curve = points(part, x, y)
        _draw(axis, curve, x, y, looks)
        _draw_clean(axis, part, y)
        axis.set_title(
            ", ".join(FACETS.get(f, f"{f} {{}}").format(v) for f, v in zip(facets, panel, strict=True))
        )
        drawn.append(curve.assign(**dict(zip(facets, panel, strict=True))))
    for axis in axes[:, 0]:
        axis.set_ylabel(_label(y, manifest))
    for axis in axes[-1]:
        axis.set_xlabel(LABELS.get(x, x))
    handles, names = axes[0, 0].get_legend_handles_labels()
    text = f"{caption(table, manifest)}{_expert(table, y)}"
    lines = textwrap.fill(text, int(figure.get_figwidth() * 17))
    fitting = int(figure.get_figwidth() / (0.55 + 0.065 * max(map(len, names), default=0)))
    rows_of_names = -(-len(names) // max(1, min(5, fitting)))
    height = 3.0 * rows + 0.2 * rows_of_names + 0.14 * (lines.count("\n") + 1) + 0.5
    figure.set_figheight(height)
    bottom = (0.15 + 0.14 * (lines.count("\n") + 1)) / height
    top = 1 - (0.12 + 0.2 * rows_of_names) / height
    figure.tight_layout(rect=(0, bottom, 1, top))
    figure.legend(
        handles, names, loc="upper center", ncols=-(-len(names) // rows_of_names), frameon=False, fontsize=8
    )
    figure.text(0.02, 0.1 / height, lines, fontsize=7, color="#444444", va="bottom")
    files = [folder / f"{y}.{suffix}" for suffix in ("png", "pdf", "csv", "txt")]
    figure.savefig(files[0], dpi=160, metadata={"Software": None})
    figure.savefig(files[1], metadata={"CreationDate": None})
    plt.close(figure)
    pd.concat(drawn).to_csv(files[2], index=False)
    files[3].write_text(text + "\n")
    return files


def _draw(axis: Any, curve: pd.DataFrame, x: str, y: str, looks: dict[str, tuple]) -> None:
    across, up = (100 if name in PERCENT else 1 for name in (x, y))
    for endpoint, (colour, (line, marker)) in looks.items():
        part = curve[curve["endpoint"] == endpoint]
        if part.empty:
            continue
        axis.plot(
            part[x] * across,
            part["mean"] * up,
            color=colour,
            ls=line,
            marker=marker,
            ms=3.5,
            lw=1.4,
            label=endpoint,
        )
        axis.fill_between(
            part[x] * across, part["lower"] * up, part["upper"] * up, color=colour, alpha=0.15, lw=0
        )
    axis.grid(alpha=0.25, lw=0.5)


def _draw_clean(axis: Any, part: pd.DataFrame, y: str) -> None:
    """A line at what the metric says of the clips themselves, where the table knows it."""
    clean = f"{y}_clean"
    if clean in part and part[clean].notna().any():
        level = part.drop_duplicates("clip")[clean].mean()
        axis.axhline(level, color="#777777", lw=1, ls=(0, (2, 2)), label="clean clip")


def _expert(table: pd.DataFrame, y: str) -> str:
    if not y.startswith("lse") or "lse_expert" not in table:
        return ""
    return f" Lip-sync expert: {', '.join(sorted(table['lse_expert'].dropna().unique()))}."


def _looks(table: pd.DataFrame) -> dict[str, tuple]:
    """Colour by codec, line by packet code, in order of appearance; by endpoint where all is one codec."""
    endpoints = table.drop_duplicates("endpoint")
    codecs = list(endpoints["codec"].unique())
    if len(codecs) == 1:
        return {
            name: (COLOURS[i % len(COLOURS)], STYLES[(i + i // len(COLOURS)) % len(STYLES)])
            for i, name in enumerate(endpoints["endpoint"])
        }
    codes = list(zip(endpoints["code"], endpoints["code_rate"], strict=True))
    ranks = {code: i for i, code in enumerate(dict.fromkeys(codes))}
    return {
        name: (COLOURS[codecs.index(codec) % len(COLOURS)], STYLES[ranks[code] % len(STYLES)])
        for name, codec, code in zip(endpoints["endpoint"], endpoints["codec"], codes, strict=True)
    }


def _label(y: str, manifest: dict[str, Any]) -> str:
    if y in LABELS:
        return LABELS[y]
    for name, metric in manifest["metrics"].items():
        if y in metric["columns"]:
            label = metric["label"]
            if y == f"{name}_paper":
                label += ", undecodable = 1"
            elif y != name or y in NAMES:
                label = NAMES.get(y, y)
            higher = metric["higher_is_better"] != (y in metric.get("opposite", ()))
            return f"{label}\n({'higher' if higher else 'lower'} is better)"
    return y
