"""How far a sweep is, from another process: read from its folder."""

from __future__ import annotations

import fcntl
import json
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lossweep.experiments.durations import duration
from lossweep.experiments.published_sweep import is_published
from lossweep.experiments.store import Store, StoreError
from lossweep.experiments.sweep import PlotError, Sweep

NOTED = "progress"
"""Key under which a run notes its progress in the store."""
MANIFEST = "manifest"
"""Key under which a run notes the manifest of what it will make."""


@dataclass(frozen=True)
class Status:
    """How far a sweep is.

    Attributes:
        name: of the scenario.
        total: cells of the sweep.
        done: cells that are finished or have failed.
        failed: of these.
        left_s: estimated seconds until all are; None where it is not known.
        running: whether a process works on it now.
    """

    name: str
    total: int
    done: int
    failed: int
    left_s: float | None
    running: bool

    def text(self) -> str:
        """One line."""
        if not self.total:
            return f"{self.name}: {'starting' if self.running else 'no cell was begun; run the same command again'}"
        line = f"{self.name}: {self.done} of {self.total} cells"
        if self.failed:
            line += f", {self.failed} failed"
        if not self.running:
            rest = "complete" if self.done >= self.total else "not running; run the same command to resume"
            return f"{line}, {rest}"
        return line + (f", about {duration(self.left_s)} left" if self.left_s is not None else ", running")


def status(directory: Path) -> Status:
    """How far the sweep in a folder is.

    Raises:
        StoreError: no sweep was started there.
    """
    if is_published(directory):
        return _published(directory)
    if not (directory / "cells.sqlite").exists():
        raise StoreError(f"{directory} holds no sweep; run a scenario into it first (lossweep run)")
    running = is_running(directory)
    with closing(Store(directory, writing=False)) as store:
        noted = store.noted(NOTED)
        failed = len(store.failures())
        if noted is None:
            return Status(
                directory.name, store.count() + failed, store.count() + failed, failed, None, running
            )
    done, began = int(noted["done"]), int(noted["kept"])
    left = None
    if running and done > began:
        left = (time.time() - noted["started"]) / (done - began) * (noted["total"] - done)
    return Status(noted["name"], noted["total"], done, failed, left, running)


def _published(directory: Path) -> Status:
    """Of a folder with a table and no cells: what its manifest says."""
    manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    total, failed = manifest["cells"], manifest.get("cells_failed", 0)
    done = manifest.get("cells_finished", total - failed) + failed
    return Status(manifest["scenario_name"], total, done, failed, None, is_running(directory))


def is_running(directory: Path) -> bool:
    """Whether a process holds the folder's lock."""
    try:
        with open(directory / ".lock", "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def read_sweep(directory: Path) -> Sweep:
    """The sweep in a folder: finished, or as far as it is.

    Raises:
        PlotError: no cell has finished.
    """
    if (directory / "manifest.json").exists() and not is_running(directory):
        return Sweep.read(directory)
    with closing(Store(directory, writing=False)) as store:
        manifest = store.noted(MANIFEST)
        table = pd.DataFrame([row for _, row in store.rows()])
    if manifest is None or table.empty:
        raise PlotError("no cell of this sweep has finished yet")
    return Sweep.of(table, manifest)
