"""A sweep from its scenario to its tables."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Literal

from lossweep.experiments.engine import Engine, EngineError, available_cores
from lossweep.experiments.errors import ScenarioError
from lossweep.experiments.export import export, write_manifest
from lossweep.experiments.fingerprint import Fingerprint
from lossweep.experiments.in_process import InProcess
from lossweep.experiments.inspection import Inspection
from lossweep.experiments.manifest import LastRun, manifest
from lossweep.experiments.messages import Failed, Outcome, SetUp, Task
from lossweep.experiments.output_folder import output_folder
from lossweep.experiments.plan import claim, plan
from lossweep.experiments.precision import Points
from lossweep.experiments.progress import Progress
from lossweep.experiments.scenario import Scenario
from lossweep.experiments.shards import ORDER, shard
from lossweep.experiments.status import MANIFEST, NOTED
from lossweep.experiments.store import Store
from lossweep.experiments.timings import remember

if TYPE_CHECKING:
    from lossweep.experiments.ray_engine import RayEngine

NOTHING = LastRun(
    cells=0, cells_finished=0, cells_failed=0, cells_of_this_run=0, wall_s=0.0, seconds_by_stage={}
)


class Stopped(KeyboardInterrupt):
    """A sweep was interrupted; what was finished is kept."""


@dataclass(frozen=True)
class Settings:
    """How a sweep is computed.

    Attributes:
        device: "cpu" or "cuda", for networks.
        workers: processes; None is one per core that this process may use; 0 computes in this process.
        threads: per worker; of this process they stay as they are, which counts as 0.
        accept_changes: go on in a folder with cells of another scenario, code or versions; those that are still
            valid are kept, the others are computed anew.
        only: id of one cell, which is computed anew.
        shard: (i, n): only the cells of part i of n, 1 <= i <= n.
        engine: "pool" of processes on this machine, or "ray".
        address: of a Ray cluster; None starts Ray on this machine.
        gpus_per_worker: of Ray; a fraction shares a GPU.
    """

    device: str = "cpu"
    workers: int | None = None
    threads: int = 1
    accept_changes: bool = False
    only: str | None = None
    shard: tuple[int, int] | None = None
    engine: Literal["pool", "ray"] = "pool"
    address: str | None = None
    gpus_per_worker: float = 0.0


def run_scenario(scenario: Scenario, out: Path, settings: Settings = Settings()) -> int:
    """Runs what is left of a scenario and writes its tables.

    Args:
        out: output folder; finished cells in it are not computed again.
    Returns:
        Number of cells that failed.
    Raises:
        ScenarioError: a required metric is absent, `only` is no cell of the scenario, or it cannot be cut into shards.
        StoreError: the folder belongs to another scenario, is in use, or cannot be written.
        EngineError: workers cannot run.
        Stopped: interrupted; the tables hold what was finished.
    """
    if settings.shard is not None and scenario.precision is not None:
        raise ScenarioError(
            "repetitions.until is decided while the whole sweep runs; with --shard give a number of repetitions"
        )
    with output_folder(out) as store:
        return _run(scenario, store, settings)


def _run(scenario: Scenario, store: Store, settings: Settings) -> int:
    started = time.monotonic()
    out = store.directory
    set_up = SetUp(scenario.metrics, settings.device)
    engine = _engine(set_up, settings)
    try:
        inspection = engine.inspect(scenario)
        _say(scenario, inspection)
        threads = 0 if isinstance(engine, InProcess) else settings.threads
        fingerprint = Fingerprint(scenario, inspection, settings.device, threads)
        possible = list(scenario.cells())
        if settings.shard is not None:
            order, possible = [cell.id for cell in possible], shard(possible, *settings.shard)
        points = Points(possible, scenario.precision, inspection.columns)
        settle(points, store, fingerprint)
        cells = points.wanted()
        found = plan(store, cells, fingerprint, settings.only, possible)
        claim(store, found, fingerprint, settings.accept_changes)
        early = manifest(
            scenario, inspection, fingerprint, settings.device, threads, list(inspection.columns), {}, NOTHING
        )
        if settings.shard is not None:
            store.note(ORDER, order)
        store.note(MANIFEST, early.model_dump(mode="json", exclude={"labels"}))
        kept = len(cells) - len(found.tasks)
        progress = Progress(scenario.name, len(cells), kept, lambda counts: store.note(NOTED, counts))
        sweep = Sweep(scenario, store, fingerprint, progress)
        stopped = sweep.work(engine.run, found.tasks, points, once=settings.only is not None)
        cells = points.wanted()
    finally:
        engine.stop()
    clips = inspection.clips.values()
    media_s, pixels = fmean(clip.seconds for clip in clips), fmean(clip.pixels_per_s for clip in clips)
    remember(sweep.seconds, sweep.cells, max(1.0, media_s), pixels)
    ids = [cell.id for cell in cells]
    now = plan(store, cells, fingerprint)
    finished = now.kept
    failed = len(set(ids) & set(store.failures()))
    last = LastRun(
        cells=len(cells),
        cells_finished=finished,
        cells_failed=failed,
        cells_of_this_run=sweep.tried,
        wall_s=round(time.monotonic() - started, 1),
        seconds_by_stage={stage: round(value, 2) for stage, value in sweep.by_stage().most_common()},
    )
    if now.stale:  # a table never mixes rows of other code or versions
        left = f"{now.stale} cells are still to be computed anew, and the tables are still the old ones"
    else:
        left = f"{finished} of {len(cells)} cells are in the tables"
        columns = export(store, ids, list(fingerprint.metrics))
        by_id = {cell.id: cell for cell in cells}
        labelled = {str(row["endpoint"]): by_id[name] for name, row in store.rows(ids)}
        made = manifest(scenario, inspection, fingerprint, settings.device, threads, columns, labelled, last)
        write_manifest(out, made.model_dump_json(indent=1))
        if finished + failed == len(cells):
            store.forget_others(ids)
    if isinstance(stopped, EngineError):
        raise stopped
    if stopped is not None:
        raise Stopped(f"stopped: {left}; run the same command again to resume")
    print(f"{out}/table.csv: {finished} of {len(cells)} cells in {last.wall_s:.0f} s")
    if finished and not now.stale:
        from lossweep.experiments.closing import said

        for line in said(out, {name: metric.columns for name, metric in inspection.metrics.items()}):
            print(f"lossweep: {line}", file=sys.stderr)
    if now.stale:
        print(left, file=sys.stderr)
    if failed:
        print(
            f"{failed} cells failed, see {out}/failures.json; run one alone with --cell ID", file=sys.stderr
        )
    return failed


def _engine(set_up: SetUp, settings: Settings) -> Engine | InProcess | RayEngine:
    if settings.engine == "ray":
        from lossweep.experiments.ray_engine import RayEngine

        given = settings.address, settings.gpus_per_worker
        return RayEngine(set_up, settings.workers or None, settings.threads, *given)
    workers = available_cores() if settings.workers is None else settings.workers
    return Engine(set_up, workers, settings.threads) if workers else InProcess(set_up)


class Sweep:
    """Stores finished cells, and prints each problem once."""

    def __init__(
        self, scenario: Scenario, store: Store, fingerprint: Fingerprint, progress: Progress
    ) -> None:
        self.seconds: dict[str, Counter[str]] = {}
        self.cells: Counter[str] = Counter()
        self._scenario, self._store, self._fingerprint, self._progress = (
            scenario,
            store,
            fingerprint,
            progress,
        )
        self._printed: set[str] = set()
        self.tried = 0

    def work(
        self,
        run: Callable[[Iterable[Task], Callable[[Task, Outcome], None]], None],
        tasks: list[Task],
        points: Points,
        once: bool,
    ) -> KeyboardInterrupt | EngineError | None:
        """Runs tasks, and those of further repetitions that points need then.

        Args:
            once: these tasks alone.
        Returns:
            The error that stopped it, None where all were tried.
        """
        try:
            while True:
                self.tried += len(tasks)
                run(tasks, self.take)
                before = points.wanted()
                if once or not points.look(self._store.rows([cell.id for cell in before])):
                    return None
                known = {cell.id for cell in before}
                new = [cell for cell in points.wanted() if cell.id not in known]
                tasks = plan(self._store, new, self._fingerprint).tasks
                self._progress.extend(len(new), len(new) - len(tasks))
        except (KeyboardInterrupt, EngineError) as reason:
            return reason
        finally:
            self._progress.close()

    def take(self, task: Task, outcome: Outcome) -> None:
        """Keeps one finished or failed cell."""
        cell = task.cell
        if isinstance(outcome, Failed):
            self._store.fail(cell.id, outcome.reason)
            self._say(f"cell {cell.id} failed: ", outcome.reason)
        else:
            self._store.put(cell, outcome, self._fingerprint.of(cell), task.only)
            self.seconds.setdefault(cell.endpoint_name, Counter()).update(outcome.seconds)
            self.cells[cell.endpoint_name] += 1
            for note in outcome.notes:
                self._say("", note)
        self._progress.step()

    def by_stage(self) -> Counter[str]:
        """Seconds of each stage, over all endpoints."""
        return sum(self.seconds.values(), Counter())

    def _say(self, prefix: str, line: str) -> None:
        if line not in self._printed:
            self._printed.add(line)
            self._progress.say(f"{prefix}{line}")


def settle(points: Points, store: Store, fingerprint: Fingerprint) -> None:
    """Looks at points whose cells are all finished, as the runs before have done."""
    while True:
        cells = points.wanted()
        if plan(store, cells, fingerprint).tasks or not points.look(store.rows([c.id for c in cells])):
            return


def _say(scenario: Scenario, inspection: Inspection) -> None:
    """Says which metrics are absent, and what is not used of the clips."""
    for name, reason in inspection.absent.items():
        if name in scenario.require:
            raise ScenarioError(f"{name} is required: {reason}")
        print(f"lossweep: {reason}", file=sys.stderr)
    for name, clip in inspection.clips.items():
        for note in clip.notes:
            print(f"lossweep: clip {name}: {note}", file=sys.stderr)
