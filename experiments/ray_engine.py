"""Runs the cells of a sweep on a Ray cluster, or on a Ray that is started here."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Any

from lossweep.channels.errors import LossweepError, MissingPackage
from lossweep.experiments.engine import IN_FLIGHT, QUIET, THREAD_VARIABLES, EngineError, groups
from lossweep.experiments.evaluator import Evaluator
from lossweep.experiments.fingerprint import sources_hash, versions
from lossweep.experiments.inspection import Inspection
from lossweep.experiments.messages import Failed, Inspect, Order, Outcome, Reply, SetUp, Task
from lossweep.experiments.scenario import Scenario
from lossweep.experiments.worker import reason, reply

TRIES = 3
"""How often a cell is begun whose worker is lost each time."""
CHECK_S = 1.0


class Cells:
    """In a worker: evaluates cells. Metrics are made once, and encodings are kept for the next cells."""

    def __init__(self, set_up: SetUp) -> None:
        self._problem = ""
        try:
            self._evaluator = Evaluator(set_up.metrics, set_up.device)
        except Exception as error:
            self._problem = reason(error)

    def ready(self) -> tuple[str, str, dict[str, str], int]:
        """Why it cannot work ("" if it can), the hash of its code, its versions, its process."""
        return self._problem, sources_hash(), versions(), os.getpid()

    def work(self, order: Order) -> Reply:
        """What an order gives; a failure is one line."""
        return reply(self._evaluator, order)


class Member:
    """A worker as the sweep's process sees it: what it does, and what waits for it."""

    def __init__(self, actor: Any) -> None:
        self.actor = actor
        self.pid = 0
        self.waiting: deque[Task] = deque()
        self.running: deque[tuple[Any, Task]] = deque()
        self.starting: Any = actor.ready.remote()

    def next(self) -> Any:
        """What it answers next: that it is ready, or its oldest task."""
        return self.starting if self.starting is not None else self.running[0][0] if self.running else None


class RayEngine:
    """Workers on a Ray cluster, for one set of metrics; used as `Engine`.

    A worker has whole groups of cells, which share encodings, and takes half of what waits for another one when no
    group is left. The cells of a lost worker run again on another one.

    Args:
        set_up: metrics and device.
        workers: at most so many; None: as many as the cluster's cores (or GPUs) allow.
        threads: of each worker, which are the cores that it takes.
        address: of the cluster, "auto" for the one that this machine belongs to; None starts Ray on this machine.
        gpus: of each worker; 0.25 puts four of them on a GPU.
    Raises:
        MissingPackage: no Ray here.
        EngineError: no cluster at the address, or Ray does not start here.
    """

    def __init__(
        self, set_up: SetUp, workers: int | None, threads: int, address: str | None = None, gpus: float = 0.0
    ) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        try:
            ray: Any = importlib.import_module("ray")
        except ImportError:
            raise MissingPackage(
                "--engine ray needs Ray, which is not installed: pip install 'lossweep[cluster]'"
            ) from None
        self._ray, self._set_up, self._threads, self._gpus = ray, set_up, threads, gpus
        self._mine = not ray.is_initialized()
        if self._mine:
            here: dict[str, Any] = {"include_dashboard": False} if address is None else {}
            if address is None and workers:
                here["num_cpus"] = workers * threads
            try:
                ray.init(address=address or "local", log_to_driver=False, logging_level=logging.ERROR, **here)
            except (
                Exception
            ) as error:  # where its processes do not start in time, Ray raises no kind of its own
                raise EngineError(
                    f"Ray does not start on this machine ({_one_line(error)}); run again, or with --engine pool"
                    if address is None
                    else f"no Ray cluster at {address} ({_one_line(error)}); start one with `ray start --head`, or "
                    "leave --address out"
                ) from None
        there = ray.cluster_resources()
        room = int(there.get("CPU", 0) // threads)
        if gpus:
            room = min(room, int(there.get("GPU", 0) / gpus + 1e-9))
        if room < 1:
            self.stop()
            raise EngineError(
                f"the cluster has {there.get('CPU', 0):g} cores and {there.get('GPU', 0):g} GPUs, too few for a "
                f"worker with {threads} threads and {gpus:g} GPUs"
            )
        self._count = min(workers or room, room)
        self._team: list[Member] = [self._member()]
        self._lost: Counter[str] = Counter()

    def inspect(self, scenario: Scenario) -> Inspection:
        """As `Engine.inspect`."""
        member = self._team[0]
        try:
            self._started(member, self._ray.get(member.starting))
            found = self._ray.get(member.actor.work.remote(Inspect(scenario)))
        except self._ray.exceptions.RayError as error:
            raise EngineError(f"{_one_line(error)}, before the first cell") from None
        if isinstance(found, Failed):
            raise LossweepError(found.reason)
        assert isinstance(found, Inspection)
        return found

    def run(self, tasks: Iterable[Task], done: Callable[[Task, Outcome], None]) -> None:
        """As `Engine.run`; but a cell whose worker is lost is tried again on another one.

        Raises:
            EngineError: a worker cannot start, or has other code or versions than this process.
        """
        left = groups(tasks)
        count = min(self._count, sum(map(len, left)))
        self._team += [self._member() for _ in range(count - len(self._team))]
        while True:
            for member in self._team:
                if member.starting is None:
                    self._submit(member, left)
            if not left and not any(member.waiting or member.running for member in self._team):
                return
            asked = {ref: member for member in self._team if (ref := member.next()) is not None}
            ready, _ = self._ray.wait(list(asked), num_returns=1, timeout=CHECK_S)
            for ref in ready:
                self._take(asked[ref], ref, done)

    def stop(self) -> None:
        """Ends all workers at once, and the Ray that was started here."""
        if self._mine:
            self._ray.shutdown()
            return
        for member in getattr(self, "_team", []):
            self._end(member)

    def _member(self) -> Member:
        threads = dict.fromkeys(THREAD_VARIABLES, str(self._threads))
        actor = self._ray.remote(Cells).options(
            num_cpus=self._threads,
            num_gpus=self._gpus or None,
            max_restarts=0,
            runtime_env={"env_vars": {**QUIET, **threads}},
        )
        return Member(actor.remote(self._set_up))

    def _submit(self, member: Member, left: deque[deque[Task]]) -> None:
        if not member.waiting:
            busiest = max(self._team, key=lambda other: len(other.waiting))
            half = (len(busiest.waiting) + (busiest.starting is not None)) // 2
            member.waiting = left.popleft() if left else deque(busiest.waiting.pop() for _ in range(half))
        while member.waiting and len(member.running) < IN_FLIGHT:
            task = member.waiting.popleft()
            member.running.append((member.actor.work.remote(task), task))

    def _take(self, member: Member, ref: Any, done: Callable[[Task, Outcome], None]) -> None:
        try:
            answer = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            self._replace(member, error, done)
            return
        if member.starting is not None:
            self._started(member, answer)
            return
        _, task = member.running.popleft()
        done(task, answer)

    def _started(self, member: Member, answer: tuple[str, str, dict[str, str], int]) -> None:
        problem, code, other, member.pid = answer
        if problem:
            raise EngineError(f"a worker cannot start: {problem}")
        own = versions()
        different = [name for name in own if other.get(name) != own[name]]
        if code != sources_hash():
            different.insert(0, "lossweep's code")
        if different:
            raise EngineError(
                f"a worker has other versions than this process ({', '.join(different)}); install the same everywhere"
            )
        member.starting = None

    def _replace(self, member: Member, error: Exception, done: Callable[[Task, Outcome], None]) -> None:
        """A worker was lost: its cells wait for the others and for a new worker in its place."""
        tasks = [task for _, task in member.running]
        if tasks:
            self._lost[tasks[0].cell.id] += 1
            if self._lost[tasks[0].cell.id] >= TRIES:
                first = tasks.pop(0)
                done(first, Failed(f"the worker was lost {TRIES} times in this cell ({_one_line(error)})"))
        elif member.starting is not None:
            self._lost["start"] += 1
            if self._lost["start"] >= TRIES:
                raise EngineError(f"a worker cannot start: {_one_line(error)}")
        self._end(member)
        new = self._member()
        new.waiting = deque([*tasks, *member.waiting])
        self._team[self._team.index(member)] = new

    def _end(self, member: Member) -> None:
        with contextlib.suppress(Exception):  # it is lost already
            self._ray.kill(member.actor)


def _one_line(error: Exception) -> str:
    """The first line of an error of Ray."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
