"""A sweep of which only the table, the manifest and the scenario are kept, as in `results/`: its cells, made anew."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from lossweep.channels.errors import LossweepError
from lossweep.experiments.cell import Cell
from lossweep.experiments.fingerprint import sources_hash
from lossweep.experiments.scenario_file import load
from lossweep.experiments.store import StoreError


def is_published(directory: Path) -> bool:
    """Whether a folder holds a table and no cells."""
    tables = (directory / f"table.{suffix}" for suffix in ("parquet", "csv"))
    there = (directory / "manifest.json").exists() and any(table.exists() for table in tables)
    return there and not (directory / "cells.sqlite").exists()


def published_cell(name: str, directory: Path) -> Cell:
    """The parameters of a cell, from the scenario in the manifest.

    Raises:
        StoreError: a clip of the scenario is not here, or the scenario gives no such cell with this version.
    """
    cells = _cells(directory.resolve())
    if name not in cells:
        raise StoreError(
            f"this version makes other cells of the scenario than {directory}; run it again to see them"
        )
    return cells[name]


def other_version(directory: Path) -> str:
    """One sentence where the cells of a published sweep were made by other code than this; "" otherwise."""
    if not is_published(directory):
        return ""
    manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    if manifest.get("sources") == sources_hash():
        return ""
    made = f"lossweep {manifest['versions'].get('lossweep', 'of an unknown version')}"
    return f"The table was made by {made}; frames, sound and packets of a cell are computed now, by this version."


@lru_cache(maxsize=4)
def _cells(directory: Path) -> dict[str, Cell]:
    scenario = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))["scenario"]
    try:
        return {cell.id: cell for cell in load(scenario).cells()}
    except LossweepError as error:
        line = str(error).splitlines()[0]
        raise StoreError(f"the cells of {directory.name} cannot be computed again: {line}") from None
