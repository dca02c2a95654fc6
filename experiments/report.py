"""One self-contained HTML page about a sweep."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import yaml

from lossweep.experiments.column import Column
from lossweep.experiments.interactive import library
from lossweep.experiments.page_data import add_cells, figures, page_data
from lossweep.experiments.price import late
from lossweep.experiments.published import Published, published
from lossweep.experiments.published_sweep import other_version
from lossweep.experiments.report_media import Screen, screen
from lossweep.experiments.summary import main_qualities, number, summarise, typical_loss
from lossweep.experiments.sweep import Sweep
from lossweep.experiments.systems import systems

NETWORK = (
    "realised_loss",
    "realised_mean_burst_length",
    "post_repair_loss",
    "discard_rate",
    "wire_bps",
    "shown_delay_s",
    "freeze_count",
    "total_freezes_duration",
    "frozen_share",
)


MOST_MB = 10.0
"""Size of a page: what does not fit is shown by `lossweep serve`."""


def report(directory: Path, strip: bool = True, most_mb: float = MOST_MB) -> Path:
    """Writes `report.html`: summary, figures, prices, frames, recordings, tables, scenario, versions; one file.

    The figures are interactive; a click on a point shows its cell. Of cells of the built-in clip as many are in the
    page as fit into it and are computed in a minute, after those of `screen`, which takes two minutes at most. Films
    and sounds of clips other than the built-in one lie in `films/` beside it.

    Args:
        strip: with frames and recordings, at the loss of the sweep nearest to the scenario's `report.loss_rate`.
        most_mb: size of the page, in MB; what the page always has is in it even where that is larger.
    Returns:
        Its path.
    Raises:
        PlotError: no cell has finished.
    """
    sweep = Sweep.read(directory)
    path = directory / "report.html"
    fresh = not path.exists()
    path.open("a").close()  # a place that cannot be written fails here, not after minutes
    if fresh:
        path.unlink()
    loss = typical_loss(sweep) if "loss_rate" in sweep.table else 0.0
    contents = _contents(sweep, directory)
    shown = Screen(no_strips="left out on request" if not strip else "click a point of a figure")
    if strip:
        if "loss_rate" in sweep.table:
            shown = screen(sweep, directory, loss, main_qualities(sweep))
        room = round(most_mb * 1e6) - len(_render(contents, shown).encode())
        add_cells(sweep, directory, loss, shown, room)
    path.write_text(_render(contents, shown), encoding="utf-8")
    return path


def page(sweep: Sweep, directory: Path, shown: Screen, status: str = "", done: int = 0) -> str:
    """The page.

    Args:
        shown: frames, recordings and cells.
        status: of a served page: how far the sweep is; "" for a file.
        done: cells that are in it.
    """
    return _render(_contents(sweep, directory), shown, status, done)


def _contents(sweep: Sweep, directory: Path) -> dict[str, Any]:
    """What the page says of the table: everything but frames, recordings and cells."""
    manifest = sweep.manifest
    lossy = (
        "loss_rate" in sweep.table
    )  # a physical channel has none, and the tables by loss rate are left out
    loss, qualities = typical_loss(sweep) if lossy else 0.0, main_qualities(sweep)
    plots, costs = figures(sweep)
    failures = directory / "failures.json"
    rate_notes = sweep.table.get("rate_note", pd.Series(dtype=str)).dropna()
    return {
        "manifest": manifest,
        "cells": len(sweep.table),
        "repetitions": _patterns(sweep),
        "summary": summarise(sweep) if lossy else None,
        "warnings": late(systems(sweep)),
        "notes": sorted({note for note in rate_notes if note}),
        "plots": plots,
        "prices": costs,
        "published": _published(sweep),
        "loss": f"{100 * loss:g} %",
        "curves": [(column.heading(), _by_loss(sweep, column)) for column in qualities if lossy],
        "network": _network(sweep) if lossy else "",
        "again": other_version(directory),
        "failures": json.loads(failures.read_text(encoding="utf-8")) if failures.exists() else [],
        "scenario": yaml.safe_dump(manifest["scenario"], sort_keys=False, allow_unicode=True),
    }


def _render(contents: dict[str, Any], shown: Screen, status: str = "", done: int = 0) -> str:
    return _template().render(
        **contents,
        screen=shown,
        data=page_data([*contents["plots"], *contents["prices"]], shown, live=bool(status)),
        plotly=_library(),
        script=(resources.files("lossweep.experiments") / "report.js").read_text(encoding="utf-8"),
        live=bool(status),
        status=status,
        done=done,
    )


@lru_cache(maxsize=1)
def _library() -> str:
    return library()


def _template() -> jinja2.Template:
    text = (resources.files("lossweep.experiments") / "report.html").read_text(encoding="utf-8")
    template: jinja2.Template = jinja2.Environment(autoescape=True, trim_blocks=True).from_string(text)
    return template


def _patterns(sweep: Sweep) -> str:
    count = sweep.table.groupby([c for c in ("seed", "repetition") if c in sweep.table]).ngroups
    return f"{count} loss pattern{'s' * (count > 1)}"


def _by_loss(sweep: Sweep, column: Column) -> str:
    """Means of a metric, one row per system, one column per loss rate."""
    rows = {
        system.name: system.table.groupby("loss_rate")[column.name].mean() * column.factor
        for system in systems(sweep)
        if system.table[column.name].notna().any()
    }
    wide = pd.DataFrame(rows).T.sort_index(axis=1)
    wide.columns = [f"{100 * loss:g} %" for loss in wide.columns]
    return _html(wide.rename_axis("system").reset_index())


def _network(sweep: Sweep) -> str:
    """What the network did, one row per system and loss rate."""
    columns = [sweep.column(name) for name in NETWORK if name in sweep.table]
    rows: list[dict[str, Any]] = []
    for system in systems(sweep):
        means = system.table.groupby("loss_rate")[[c.name for c in columns]].mean()
        for loss, values in zip(means.index.to_numpy(float), means.to_dict("records"), strict=True):
            row = {"system": system.name, "loss": f"{100 * loss:g} %"}
            rows.append(row | {c.heading(): values[c.name] * c.factor for c in columns})
    return _html(pd.DataFrame(rows))


def _published(sweep: Sweep) -> list[tuple[Published, str]]:
    return [(table, _html(table.table)) for table in published(sweep)]


def _html(table: pd.DataFrame) -> str:
    return table.to_html(na_rep="-", index=False, float_format=number, border=0)
