"""A sweep from its scenario to its tables."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from lossweep.experiments.engine import run
from lossweep.experiments.evaluator import Bench, Cell, Result, cell_id
from lossweep.experiments.manifest import clips_of, manifest, shown, versions, weights
from lossweep.experiments.scenario import Scenario, ScenarioError
from lossweep.experiments.store import Store

DETERMINING = ("clip", "endpoint", "code", "channel", "path", "repetitions", "seed")


class Stopped(KeyboardInterrupt):
    """A sweep was interrupted; what was finished is kept."""


def run_scenario(
    scenario: Scenario,
    out: Path,
    *,
    device: str = "cpu",
    workers: int | None = None,
    accept_changes: bool = False,
    only: str | None = None,
) -> int:
    """Runs what is left of a scenario and writes its tables.

    Args:
        out: output folder; finished cells in it are not computed again.
        device: "cpu" or "cuda".
        workers: processes; None is one a core.
        accept_changes: go on in a folder of another scenario, keeping the cells that both have.
        only: id of one cell, which is computed anew.
    Returns:
        Number of cells that failed.
    Raises:
        ScenarioError: a required metric is absent, or `only` is no cell of the scenario.
        ClipError: a clip that cannot be read.
        StoreError: the folder belongs to another scenario or cannot be written.
        Stopped: interrupted; the tables hold what was finished.
    """
    from tqdm import tqdm

    started = time.monotonic()
    bench = Bench(scenario.metrics, device)
    _say_absent(scenario, bench)
    clips = clips_of(scenario, bench)
    store = Store(out)
    store.claim(_fingerprint(scenario, bench, clips), accept_changes)
    todo, total = _todo(scenario, store, only)
    bar = tqdm(total=total, initial=total - len(todo), unit="cell", desc=scenario.name, file=sys.stderr)
    seconds: Counter[str] = Counter()
    failed: set[str] = set()
    said: set[str] = set()

    def done(cell: Cell, result: Result | str) -> None:
        name = cell_id(cell)
        if isinstance(result, str):
            failed.add(name)
            store.fail(name, result)
            if result not in said:
                tqdm.write(f"cell {name} failed: {result}", file=sys.stderr)
            said.add(result)
        else:
            store.put(cell, result)
            seconds.update(result.seconds)
            note = result.row.get("rate_note") or ""
            if note not in said:
                said.add(note)
                tqdm.write(f"{result.row['clip']}: {note}", file=sys.stderr) if note else None
        bar.update()

    stopped = False
    try:
        run(todo, scenario.metrics, device, workers or os.cpu_count() or 1, done)
    except KeyboardInterrupt:
        stopped = True
    bar.close()
    extra = {
        "device": device,
        "cells": total,
        "wall_s": round(time.monotonic() - started, 1),
        "cells_of_this_run": len(todo),
        "seconds_by_stage": {stage: round(value, 2) for stage, value in seconds.most_common()},
    }
    store.export(scenario.cells(), manifest(scenario, bench, clips, extra))
    kept = len(store.finished())
    if stopped:
        raise Stopped(f"stopped: {kept} of {total} cells are kept; the same command goes on from there")
    print(f"{out}/table.csv: {kept} of {total} cells in {extra['wall_s']:.0f} s")
    if failed:
        print(f"{len(failed)} cells failed, see {out}/failures.json; one alone: --cell ID", file=sys.stderr)
    return len(failed)


def _say_absent(scenario: Scenario, bench: Bench) -> None:
    for name, reason in bench.absent.items():
        if name in scenario.require:
            raise ScenarioError(f"{name} is required: {reason}")
        print(f"lossweep: {reason}", file=sys.stderr)


def _fingerprint(scenario: Scenario, bench: Bench, clips: dict[str, Any]) -> dict[str, Any]:
    data = shown(scenario)
    return {
        "scenario": {key: data[key] for key in DETERMINING},
        "metrics": [data["metrics"], sorted(bench.metrics)],
        "weights": weights(scenario, bench),
        "versions": versions(),
        "device": bench.device,
        **{f"clip {name}": held for name, held in clips.items()},
    }


def _todo(scenario: Scenario, store: Store, only: str | None) -> tuple[list[Cell], int]:
    cells = list(scenario.cells())
    if only is not None:
        chosen = [cell for cell in cells if cell_id(cell) == only]
        if not chosen:
            raise ScenarioError(f"the scenario has no cell {only}; see the column `cell` or failures.json")
        return chosen, len(cells)
    finished = store.finished()
    return [cell for cell in cells if cell_id(cell) not in finished], len(cells)
