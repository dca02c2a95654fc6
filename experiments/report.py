"""One self-contained HTML page about a sweep."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import yaml

from lossweep.experiments.column import Column
from lossweep.experiments.plot import plot
from lossweep.experiments.price import late
from lossweep.experiments.published import Published, published
from lossweep.experiments.report_media import Screen, inline, screen
from lossweep.experiments.summary import main_qualities, summarise, typical_loss
from lossweep.experiments.sweep import PlotError, Sweep
from lossweep.experiments.systems import systems

NETWORK = (
    "realised_loss",
    "realised_mean_burst_length",
    "post_repair_loss",
    "discard_rate",
    "wire_bps",
    "end_to_end_delay_s",
    "freeze_count",
    "total_freezes_duration",
    "frozen_share",
)


@dataclass(frozen=True)
class Picture:
    """A plot in the page: heading, data URI, caption; `problem` where it cannot be drawn."""

    heading: str
    data: str = ""
    caption: str = ""
    problem: str = ""


def report(directory: Path, strip: bool = True) -> Path:
    """Writes `report.html`: summary, plots, prices, frames, recordings, tables, scenario, versions; one file.

    Films and sounds of clips other than the built-in one lie in `films/` beside it (see `screen`).

    Args:
        strip: with frames and recordings, at the loss of the sweep nearest to the scenario's `report.loss_rate`.
    Returns:
        Its path.
    Raises:
        PlotError: no cell has finished.
    """
    sweep = Sweep.read(directory)
    manifest = sweep.manifest
    loss, qualities = typical_loss(sweep), main_qualities(sweep)
    left_out = Screen(no_strips="left out on request")
    page = _template().render(
        manifest=manifest,
        repetitions=_patterns(sweep),
        summary=summarise(sweep),
        warnings=late(systems(sweep)),
        notes=sorted({note for note in sweep.table.get("rate_note", pd.Series(dtype=str)).dropna() if note}),
        plots=_plots(sweep, directory),
        prices=_prices(sweep, directory, loss, qualities),
        published=_published(sweep),
        screen=screen(sweep, directory, loss, qualities) if strip else left_out,
        loss=f"{100 * loss:g} %",
        curves=[(column.heading(), _by_loss(sweep, column)) for column in qualities],
        network=_network(sweep),
        failures=json.loads((directory / "failures.json").read_text()),
        scenario=yaml.safe_dump(manifest["scenario"], sort_keys=False, allow_unicode=True),
    )
    path = directory / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


def _template() -> jinja2.Template:
    text = (resources.files("lossweep.experiments") / "report.html").read_text(encoding="utf-8")
    template: jinja2.Template = jinja2.Environment(autoescape=True, trim_blocks=True).from_string(text)
    return template


def _patterns(sweep: Sweep) -> str:
    count = sweep.table.groupby([c for c in ("seed", "repetition") if c in sweep.table]).ngroups
    return f"{count} loss pattern{'s' * (count > 1)}"


def _plots(sweep: Sweep, directory: Path) -> list[Picture]:
    """The scenario's plots, one figure per question."""
    wanted = sweep.manifest["scenario"].get("plot", {})
    x = wanted.get("x", "loss_rate")
    there = [y for y in wanted.get("y", ()) if y in sweep.table and sweep.table[y].notna().any()]
    return [_picture(directory, f"{sweep.column(y).label} against {sweep.column(x).label}", y) for y in there]


def _prices(sweep: Sweep, directory: Path, loss: float, qualities: Sequence[Column]) -> list[Picture]:
    """Quality against wire rate and against delay, at a typical loss."""
    at = [f"loss_rate={loss!r}"]
    found = []
    for column in qualities[:1]:
        for x in ("wire_bps", "shown_delay_s"):
            heading = f"{column.label} against {sweep.column(x).label}, at {100 * loss:g} % loss"
            found.append(_picture(directory, heading, column.name, x, at))
    return found


def _picture(
    directory: Path, heading: str, y: str, x: str | None = None, where: Sequence[str] = ()
) -> Picture:
    heading = heading[0].upper() + heading[1:]
    try:
        files = plot(directory, x, [y], where=where)
    except PlotError as error:
        return Picture(heading, problem=str(error))
    image, text = (next(f for f in files if f.suffix == suffix) for suffix in (".png", ".txt"))
    return Picture(heading, inline(image.read_bytes(), "image/png"), text.read_text().strip())


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
        for loss in sorted(map(float, system.table["loss_rate"].unique())):
            cells = system.table[system.table["loss_rate"] == loss]
            row = {"system": system.name, "loss": f"{100 * loss:g} %"}
            rows.append(row | {c.heading(): cells[c.name].mean() * c.factor for c in columns})
    return _html(pd.DataFrame(rows))


def _published(sweep: Sweep) -> list[tuple[Published, str]]:
    return [(table, _html(table.table)) for table in published(sweep)]


def _html(table: pd.DataFrame) -> str:
    return table.to_html(na_rep="-", index=False, float_format=_number, border=0)


def _number(value: float) -> str:
    """Three digits, or all of those before the point."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
