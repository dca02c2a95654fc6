"""One self-contained HTML page about a sweep."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
import yaml

from lossweep.experiments.report_media import NOTHING, inline, screen

HOLDS_WITHIN = 0.10


def report(directory: Path, strip: bool = True) -> Path:
    """Writes `report.html`: plots, tables, network, frames, films, scenario, versions; all pictures are inside it.

    Films show the original and each system at the strip's loss. Those of the built-in clip are inside the page too;
    those of other clips lie in `films/` beside it, since the page may be passed on where a clip may not.

    Args:
        strip: with frames and films of the clip, original and received, at the scenario's `report.loss_rate`.
    Returns:
        Its path.
    """
    from lossweep.experiments.plot import plot

    table = pd.read_parquet(directory / "table.parquet")
    manifest = json.loads((directory / "manifest.json").read_text())
    failures = json.loads((directory / "failures.json").read_text())
    drawn = [file for file in plot(directory) if file.suffix == ".png"]
    plots = [
        {
            "name": f.stem,
            "data": inline(f.read_bytes(), "image/png"),
            "caption": f.with_suffix(".txt").read_text(),
        }
        for f in drawn
    ]
    y = drawn[0].stem if drawn else "post_repair_loss"
    template = jinja2.Template(
        (resources.files("lossweep.experiments") / "report.html").read_text(), autoescape=True
    )
    page = template.render(
        manifest=manifest,
        plots=plots,
        y=y,
        cliffs=cliffs(table, y, _higher(manifest, y)),
        curve=_pivot(table, y),
        network=_network(table),
        screen=screen(table, manifest, directory) if strip else NOTHING,
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
    if key == "mean_burst_length" and "bernoulli" in set(table["channel"]):
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
