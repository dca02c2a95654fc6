"""One self-contained HTML page about a sweep."""

from __future__ import annotations

import base64
import io
import json
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
import yaml

from endpoints.clip import ClipError

INSTANTS = 6
HOLDS_WITHIN = 0.10


def report(directory: Path, strip: bool = True) -> Path:
    """Writes `report.html`: plots, tables, network, frames, scenario, versions; all pictures are inside it.

    Args:
        strip: with frames of the clip, original and received, at the scenario's `report.loss_rate`.
    Returns:
        Its path.
    """
    from experiments.plot import plot

    table = pd.read_parquet(directory / "table.parquet")
    manifest = json.loads((directory / "manifest.json").read_text())
    failures = json.loads((directory / "failures.json").read_text())
    drawn = [file for file in plot(directory) if file.suffix == ".png"]
    plots = [
        {"name": f.stem, "data": _inline(f.read_bytes(), "png"), "caption": f.with_suffix(".txt").read_text()}
        for f in drawn
    ]
    y = drawn[0].stem if drawn else "post_repair_loss"
    strips, why_not = _strips(table, manifest, directory) if strip else ([], "left out on request")
    template = jinja2.Template((resources.files("experiments") / "report.html").read_text(), autoescape=True)
    page = template.render(
        manifest=manifest,
        plots=plots,
        y=y,
        cliffs=cliffs(table, y, _higher(manifest, y)),
        curve=_pivot(table, y),
        network=_network(table),
        strips=strips,
        why_not=why_not,
        failures=failures,
        loss=manifest["scenario"]["report"]["loss_rate"],
        notes=sorted({note for note in table.get("rate_note", pd.Series(dtype=str)).dropna() if note}),
        scenario=yaml.safe_dump(manifest["scenario"], sort_keys=False, allow_unicode=True),
    )
    path = directory / "report.html"
    path.write_text(page)
    return path


def cliffs(table: pd.DataFrame, y: str, higher_is_better: bool) -> list[dict[str, Any]]:
    """Up to which loss each endpoint holds: the mean of `y` is within 10 % of its value at the smallest loss.

    Returns:
        One mapping an endpoint (and GOP): endpoint, clean value, largest loss at which it and all smaller
        ones hold, mean wire rate.
    """
    keys = [key for key in ("endpoint", "gop", "mean_burst_length") if _axis(table, key)]
    out = []
    for name, group in table.groupby(keys, sort=False, dropna=False):
        means = group.groupby("loss_rate")[y].mean()
        clean = means.iloc[0]
        worse = means < clean * (1 - HOLDS_WITHIN) if higher_is_better else means > clean * (1 + HOLDS_WITHIN)
        held = means.index[: int(np.argmax(worse))] if worse.any() else means.index
        out.append(
            {
                "endpoint": ", ".join(
                    str(v) if k == "endpoint" else f"{k.replace('_', ' ')} {v:g}"
                    for k, v in zip(keys, name, strict=True)
                    if v == v
                ),
                "clean": clean,
                "holds_to": held[-1],
                "wire_kbps": group["wire_bps"].mean() / 1000,
                "bpp": group["bpp"].mean() if "bpp" in group else None,
            }
        )
    return out


def _axis(table: pd.DataFrame, key: str) -> bool:
    if key == "mean_burst_length" and "erasure" in set(table["channel"]):
        return False
    return key == "endpoint" or (key in table and table[key].nunique() > 1)


def _higher(manifest: dict[str, Any], y: str) -> bool:
    said = manifest["metrics"].values()
    return any(y in m["columns"] and m["higher_is_better"] != (y in m.get("opposite", ())) for m in said)


def _pivot(table: pd.DataFrame, y: str) -> str:
    keys = [key for key in ("endpoint", "gop", "mean_burst_length") if _axis(table, key)]
    means = table.groupby([*keys, "loss_rate"], sort=False, dropna=False)[y].mean()
    wide = means.unstack("loss_rate", sort=False)
    wide.columns = [f"{100 * c:g} %" for c in wide.columns]
    return wide.reset_index().to_html(na_rep="", index=False, float_format="{:.3g}".format, border=0)


def _network(table: pd.DataFrame) -> str:
    columns = {
        "realised_loss": "realised loss",
        "realised_mean_burst_length": "mean burst",
        "post_repair_loss": "post-repair loss",
        "packets_late": "late packets",
        "end_to_end_delay_s": "delay / s",
        "freeze_count": "freezes",
        "total_freezes_duration": "frozen / s",
    }
    there = {k: v for k, v in columns.items() if k in table}
    keys = ["codec", "code", "code_rate", "channel", "loss_rate"]
    means = table.groupby(keys, sort=False)[list(there)].mean().reset_index()
    return means.rename(columns=there).to_html(index=False, float_format="{:.3g}".format, border=0)


def _strips(
    table: pd.DataFrame, manifest: dict[str, Any], directory: Path
) -> tuple[list[dict[str, Any]], str]:
    """A row of frames for the original and each endpoint, at the table's loss rate nearest the wanted one."""
    from experiments.restore import restore

    wanted = manifest["scenario"]["report"]["loss_rate"]
    near = table.loc[(table["loss_rate"] - wanted).abs().idxmin(), "loss_rate"]
    first = table["clip"].iloc[0]
    part = table[(table["loss_rate"] == near) & (table["repetition"] == 0) & (table["clip"] == first)]
    strips: list[dict[str, Any]] = []
    for _, row in part.drop_duplicates("endpoint", keep="last").iterrows():
        try:
            clip, received = restore(row["cell"], directory)
        except (ClipError, TypeError) as error:
            return [], f"the clip is not to be had: {error}"
        if clip.video is None:
            return [], "the clip has no pictures"
        at = np.linspace(0, len(clip.video) - 1, INSTANTS + 2).astype(int)[1:-1]
        if not strips:
            pictures = [_frame(clip.video[i], f"{i / clip.fps:.1f} s") for i in at]
            strips.append({"name": "original", "frames": pictures})
        shown = [_frame(received.clip.video[i], received.outcome[i]) for i in at]
        strips.append({"name": row["endpoint"], "frames": shown})
    return strips, ""


def _frame(pixels: np.ndarray, note: str) -> dict[str, str]:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((160, 160)).save(buffer, "JPEG", quality=85)
    return {"data": _inline(buffer.getvalue(), "jpeg"), "note": note}


def _inline(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
