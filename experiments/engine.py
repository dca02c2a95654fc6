"""Runs the cells of a sweep in worker processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from multiprocessing.connection import Connection, Pipe, wait

from lossweep.channels.errors import LossweepError
from lossweep.experiments.inspection import Inspection
from lossweep.experiments.messages import Failed, Inspect, Order, Outcome, Ready, Reply, SetUp, Stage, Task
from lossweep.experiments.result import Result
from lossweep.experiments.scenario import Scenario

IN_FLIGHT = 2
STARTS = 3
DEATHS = 5
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
QUIET = {"TQDM_DISABLE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "TRANSFORMERS_VERBOSITY": "error"}


class EngineError(LossweepError, RuntimeError):
    """Workers cannot run: they end at the start, or repeatedly."""

    exit_status = 1


def available_cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


class Worker:
    """One worker process, and the tasks that wait for it.

    A worker gets whole groups, since cells of a group share encodings, decoded blocks and scores; when no
    group is left it takes half of what waits for the busiest one.
    """

    def __init__(self, set_up: SetUp, threads: int) -> None:
        self.waiting: deque[Task] = deque()
        self.running: deque[Task | Inspect] = deque()
        self.stage = ""
        self.ready = False
        self._set_up, self._threads = set_up, threads
        self.start()

    def start(self) -> None:
        """Starts the process; it creates its metrics and waits for tasks."""
        ours, theirs = Pipe()
        threads = dict.fromkeys(THREAD_VARIABLES, str(self._threads))
        path = os.pathsep.join(place or os.getcwd() for place in sys.path)
        self.connection: Connection[Order, Reply] = ours
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "lossweep.experiments.worker", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={**os.environ, **QUIET, **threads, "PYTHONPATH": path},
            process_group=0,
        )
        theirs.close()
        self.ready, self.stage = False, "start"
        self._send(self._set_up)

    def submit(self) -> None:
        """Keeps the process busy."""
        while self.waiting and len(self.running) < IN_FLIGHT:
            self.order(self.waiting.popleft())

    def order(self, order: Task | Inspect) -> None:
        """Sends a task to the process."""
        self.running.append(order)
        self._send(order)

    def bury(self) -> str:
        """Closes a process that ended; returns one line with its exit status."""
        self.connection.close()
        code = self.process.wait()
        how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        memory = ", out of memory?" if code == -signal.SIGKILL else ""
        return f"the worker process died in stage {self.stage!r} ({how}{memory})"

    def stop(self) -> None:
        """Ends the process at once."""
        self.connection.close()
        self.process.kill()
        self.process.wait()

    def _send(self, order: Order) -> None:
        with contextlib.suppress(OSError):  # a process that died is noticed by the end of its socket
            self.connection.send(order)


class Engine:
    """Worker processes for one set of metrics.

    Args:
        set_up: metrics and device.
        workers: processes, >= 1.
        threads: of each process, >= 1. The number of threads changes rounding, hence the table's last digits.
    """

    def __init__(self, set_up: SetUp, workers: int, threads: int = 1) -> None:
        self._set_up, self._count, self._threads = set_up, workers, threads
        self._team = [Worker(set_up, threads)]
        self._starts = self._deaths = 0

    def inspect(self, scenario: Scenario) -> Inspection:
        """The inspection of a scenario, done in a worker so that this process stays small.

        Raises:
            ClipError, WeightsError, ...: as one line, a LossweepError.
        """
        worker = self._team[0]
        worker.order(Inspect(scenario))
        while True:
            reply = self._reply(worker)
            if isinstance(reply, Inspection):
                worker.running.clear()
                return reply
            if isinstance(reply, Failed):
                raise LossweepError(reply.reason)
            if reply is None:
                how = worker.bury()
                raise EngineError(f"{how}, before the first cell")

    def run(self, tasks: Iterable[Task], done: Callable[[Task, Outcome], None]) -> None:
        """Evaluates cells.

        Args:
            tasks: what is to be done.
            done: called in this process for each finished task with its result or the reason why it failed.
        Raises:
            EngineError: workers die at the start, or one after another.
        """
        left = groups(tasks)
        count = min(self._count, sum(map(len, left)))
        self._team += [Worker(self._set_up, self._threads) for _ in range(count - len(self._team))]
        while True:
            for worker in self._team:
                if not worker.waiting:
                    worker.waiting = left.popleft() if left else _half_of(max(self._team, key=_waiting))
                worker.submit()
            busy = {worker.connection: worker for worker in self._team if worker.running}
            if not busy:
                return
            for connection in wait(list(busy)):
                worker = busy[connection]  # type: ignore[index]
                self._take(worker, self._reply(worker), done)

    def stop(self) -> None:
        """Ends all processes at once."""
        for worker in self._team:
            worker.stop()

    def _reply(self, worker: Worker) -> Reply | None:
        """The next reply; None where the process ended."""
        try:
            reply = worker.connection.recv()
        except (EOFError, OSError):
            return None
        if isinstance(reply, Stage):
            worker.stage = reply.name
        if isinstance(reply, Ready):
            worker.ready, worker.stage = True, "waiting"
            self._starts = 0
        return reply

    def _take(self, worker: Worker, reply: Reply | None, done: Callable[[Task, Outcome], None]) -> None:
        if isinstance(reply, Failed) and not worker.ready:
            raise EngineError(f"a worker cannot start: {reply.reason}")
        if isinstance(reply, Result | Failed):
            task = worker.running.popleft()
            assert isinstance(task, Task)
            self._deaths = 0
            done(task, reply)
        elif reply is None:
            self._replace(worker, done)

    def _replace(self, worker: Worker, done: Callable[[Task, Outcome], None]) -> None:
        """A process ended: marks its current task as failed, returns the others to the queue, starts a new process."""
        how, ready = worker.bury(), worker.ready
        tasks = [task for task in worker.running if isinstance(task, Task)]
        worker.running.clear()
        if ready and tasks:
            self._deaths += 1
            done(tasks.pop(0), Failed(how))
        else:
            self._starts += 1
        worker.waiting.extendleft(reversed(tasks))
        if self._starts >= STARTS:
            raise EngineError(
                f"{how}, {STARTS} times in a row before a cell was begun; nothing more is tried"
            )
        if self._deaths >= DEATHS:
            raise EngineError(f"{how}, {DEATHS} cells in a row; nothing more is tried")
        worker.start()


def groups(tasks: Iterable[Task]) -> deque[deque[Task]]:
    """Tasks by clip and endpoint; within a group in their order, but grouped by network.

    What one cell drew, the next one shows again.
    """
    found: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        found[task.cell.group_key].append(task)
    return deque(deque(sorted(group, key=_order(group))) for group in found.values())


def _order(group: Sequence[Task]) -> Callable[[Task], int]:
    first: dict[str, int] = {}
    for task in group:
        first.setdefault(task.cell.network_key, len(first))
    return lambda task: first[task.cell.network_key]


def _waiting(worker: Worker) -> int:
    return len(worker.waiting)


def _half_of(worker: Worker) -> deque[Task]:
    return deque(worker.waiting.pop() for _ in range(len(worker.waiting) // 2))
