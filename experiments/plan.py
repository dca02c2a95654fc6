"""What of a sweep is left to do in an output folder, and whether it may be done there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lossweep.experiments.cell import Cell
from lossweep.experiments.errors import ScenarioError
from lossweep.experiments.fingerprint import Fingerprint
from lossweep.experiments.messages import Task
from lossweep.experiments.store import Store, StoreError


@dataclass(frozen=True)
class Plan:
    """What is left to do.

    Attributes:
        tasks: cells to evaluate, whole or for some metrics.
        kept: finished cells that stay as they are.
        stale: finished cells that other code, versions or weights made, or that lack a metric.
        foreign: finished cells that the scenario does not have.
    """

    tasks: list[Task]
    kept: int
    stale: int
    foreign: int


def plan(
    store: Store,
    cells: Sequence[Cell],
    fingerprint: Fingerprint,
    only: str | None = None,
    possible: Sequence[Cell] = (),
) -> Plan:
    """Compares a scenario's cells with those that a folder holds.

    Args:
        cells: that the sweep has.
        only: id of one cell, which is computed anew.
        possible: further cells that the scenario may have, which are not foreign.
    Raises:
        ScenarioError: `only` is no cell of the scenario.
    """
    stored = store.stored()
    tasks, kept, stale = [], 0, 0
    for cell in cells:
        have, want = stored.get(cell.id), fingerprint.of(cell)
        if have is None:
            tasks.append(Task(cell))
        elif have.print.base != want.base:
            stale += 1
            tasks.append(Task(cell))
        elif missing := [
            name for name, value in want.metrics.items() if have.print.metrics.get(name) != value
        ]:
            stale += 1
            tasks.append(Task(cell, tuple(missing)))
        else:
            kept += 1
    foreign = len(set(stored) - {cell.id for cell in (*cells, *possible)})
    if only is not None:
        tasks = [Task(cell) for cell in cells if cell.id == only]
        if not tasks:
            raise ScenarioError(f"the scenario has no cell {only}; see the column `cell` or failures.json")
    return Plan(tasks, kept, stale, foreign)


def claim(store: Store, found: Plan, fingerprint: Fingerprint, accept_changes: bool) -> None:
    """Binds a folder to what determines its rows.

    Raises:
        StoreError: it holds cells that the scenario does not have or that something else made, and changes were
            not accepted.
    """
    before = store.noted("made by") or {}
    changed = [name for name, value in fingerprint.parts.items() if before.get(name, value) != value]
    if found.stale and not changed:
        changed.append("metrics or weights")
    if found.foreign:
        changed.insert(0, "scenario or clips")
    counts = _counts(found)
    if (found.stale or found.foreign) and not accept_changes:
        raise StoreError(
            f"{store.directory} holds cells that differ in {' and '.join(changed)} ({counts}); "
            "choose another --out, or go on in it with --accept-changes"
        )
    if found.stale or found.foreign:
        print(f"lossweep: the cells of {store.directory} differ in {' and '.join(changed)}: {counts}")
    store.note("made by", fingerprint.parts)


def _counts(found: Plan) -> str:
    """What of the cells in a folder stays, in words."""
    measured = [task.only for task in found.tasks if task.only]
    names = ", ".join(dict.fromkeys(name for only in measured for name in only))
    again = f"{len(measured)} are only measured again ({names}), " if measured else ""
    return f"{found.kept} of its cells stay valid, {again}{len(found.tasks) - len(measured)} are computed"
