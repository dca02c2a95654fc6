"""A sweep in parts: each on a machine of its own, merged afterwards."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from lossweep.channels.errors import OptionError
from lossweep.experiments.cell import Cell
from lossweep.experiments.export import export, write_manifest
from lossweep.experiments.status import NOTED
from lossweep.experiments.store import Store, StoreError

ORDER = "order"
"""Key under which a shard notes the ids of the whole sweep, in the scenario's order."""
SAME = ("scenario", "sources", "versions", "device", "threads")
"""What the manifests of the parts of one sweep have in common."""


def shard_of(text: str) -> tuple[int, int]:
    """The shard that "2/8" names: (2, 8).

    Raises:
        OptionError: not of the form i/n with 1 <= i <= n.
    """
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise OptionError(f"--shard {text!r} is not of the form i/n, such as 1/4 to 4/4")
    return int(number), int(count)


def shard(cells: Sequence[Cell], number: int, count: int) -> list[Cell]:
    """The cells of one shard, in their order: parts of nearly equal size, in which groups stay together.

    Cells of one group share encodings; a group is in two shards only where a border falls into it.

    Args:
        number: 1 to `count`.
    """
    groups: dict[str, list[int]] = {}
    for place, cell in enumerate(cells):
        groups.setdefault(cell.group_key, []).append(place)
    grouped = [place for group in groups.values() for place in group]
    begin, end = (len(grouped) * part // count for part in (number - 1, number))
    return [cells[place] for place in sorted(grouped[begin:end])]


def merge(directories: Sequence[Path], out: Path) -> tuple[int, int]:
    """Merges the shards of a sweep into one folder with its tables, as one run makes them.

    Args:
        directories: output folders of shards; a cell that two of them have is taken once.
        out: a new folder, or one of an earlier merge of this sweep.
    Returns:
        The number of cells in the tables, and that of the sweep.
    Raises:
        StoreError: a folder that is no shard, or shards of different sweeps, code or versions.
    """
    manifests = [_manifest(directory) for directory in directories]
    for directory, other in zip(directories[1:], manifests[1:], strict=True):
        for key in SAME:
            if other[key] != manifests[0][key]:
                raise StoreError(f"{directory} and {directories[0]} differ in {key}; they are not one sweep")
    order = _order(directories)
    with closing(Store(out)) as store:
        for directory in directories:
            store.take_all(directory)
        stored = store.count()
        if foreign := set(store.stored()) - set(order):
            raise StoreError(f"{out} holds {len(foreign)} cells of another sweep; choose another --out")
        failed = len(store.failures())
        columns = export(store, order, list(manifests[0]["metrics"]))
        made = _merged(manifests, columns, len(order), stored, failed)
        write_manifest(out, json.dumps(made, indent=1))
        counts = {"name": made["scenario_name"], "total": len(order), "done": stored + failed}
        store.note(NOTED, {**counts, "kept": stored + failed, "started": 0.0})
    return stored, len(order)


def _manifest(directory: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise StoreError(f"{directory} holds no finished shard (lossweep run --shard i/n)") from None
    return found


def _order(directories: Sequence[Path]) -> list[str]:
    """The ids of the whole sweep, of any folder that notes them."""
    for directory in directories:
        with closing(Store(directory, writing=False)) as store:
            if (order := store.noted(ORDER)) is not None:
                return list(order)
    raise StoreError(f"{directories[0]} is no shard; make shards with lossweep run --shard i/n")


def _merged(
    manifests: Sequence[Mapping[str, Any]], columns: Sequence[str], cells: int, finished: int, failed: int
) -> dict[str, Any]:
    """The manifest of the whole sweep: what is the same in all, the union of what is not, the sum of times."""
    made = dict(manifests[0])
    for key in ("labels", "weights", "clips", "absent"):
        made[key] = {name: value for one in manifests for name, value in one[key].items()}
    known = {column["name"]: column for one in manifests for column in one["columns"]}
    made["columns"] = [known[name] for name in columns if name in known]
    made |= {"cells": cells, "cells_finished": finished, "cells_failed": failed}
    for key in ("cells_of_this_run", "wall_s"):
        made[key] = sum(one[key] for one in manifests)
    stages: dict[str, float] = {}
    for one in manifests:
        for stage, seconds in one["seconds_by_stage"].items():
            stages[stage] = round(stages.get(stage, 0.0) + seconds, 2)
    made["seconds_by_stage"] = stages
    return made
