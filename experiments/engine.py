"""Runs the cells of a scenario in worker processes and keeps each as it is finished."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from lossweep.experiments.evaluator import Bench, Cell, Result, cell_id, group_key, network_key

IN_FLIGHT = 2
_bench: Bench | None = None


class Worker:
    """One process, and the cells that wait for it.

    A worker gets whole groups, since cells of a group share encodings, decoded blocks and scores; when no
    group is left it takes half of what waits for the busiest one.
    """

    def __init__(self, metrics: Sequence[Any], device: str) -> None:
        self.waiting: deque[Cell] = deque()
        self.running: dict[Future, Cell] = {}
        self._arguments = (metrics, device)
        self._pool = self._start()

    def submit(self) -> None:
        """Keeps the process busy."""
        while self.waiting and len(self.running) < IN_FLIGHT:
            cell = self.waiting.popleft()
            try:
                future = self._pool.submit(_evaluate, cell)
            except BrokenProcessPool:
                self._pool = self._start()
                future = self._pool.submit(_evaluate, cell)
            self.running[future] = cell

    def collect(self, future: Future) -> tuple[Cell, Result | str]:
        """A finished cell: its result, or what went wrong."""
        cell = self.running.pop(future)
        try:
            return cell, future.result()
        except BrokenProcessPool:
            return cell, "the worker process died (out of memory?)"

    def stop(self) -> None:
        """Ends the process at once."""
        for process in list((self._pool._processes or {}).values()):
            process.kill()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _start(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(1, context, initializer=_begin, initargs=self._arguments)


def run(
    cells: Iterable[Cell],
    metrics: Sequence[Any],
    device: str,
    workers: int,
    done: Callable[[Cell, Result | str], None],
) -> None:
    """Evaluates cells in worker processes.

    Args:
        cells: what is to be done.
        metrics: as in the scenario.
        device: "cpu" or "cuda".
        workers: processes, >= 1.
        done: called in this process for each finished cell with its result or, where it failed, the reason.
    """
    groups: dict[str, deque[Cell]] = defaultdict(deque)
    for cell in cells:
        groups[group_key(cell)].append(cell)
    left = deque(deque(sorted(group, key=_order(group))) for group in groups.values())
    count = min(workers, sum(map(len, left)))
    team = [Worker(metrics, device) for _ in range(count)]
    try:
        while True:
            for worker in team:
                if not worker.waiting:
                    worker.waiting = left.popleft() if left else _half_of(max(team, key=_waiting))
                worker.submit()
            running = {future: worker for worker in team for future in worker.running}
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                done(*running[future].collect(future))
    finally:
        for worker in team:
            worker.stop()


def _order(group: Iterable[Cell]) -> Callable[[Cell], int]:
    """As they came, but network by network: what one cell drew, the next one shows again."""
    first: dict[str, int] = {}
    for cell in group:
        first.setdefault(network_key(cell), len(first))
    return lambda cell: first[network_key(cell)]


def _waiting(worker: Worker) -> int:
    return len(worker.waiting)


def _half_of(worker: Worker) -> deque[Cell]:
    return deque(worker.waiting.pop() for _ in range(len(worker.waiting) // 2))


def _begin(metrics: Sequence[Any], device: str) -> None:
    global _bench
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _bench = Bench(metrics, device)


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


def _evaluate(cell: Cell) -> Result | str:
    try:
        return _bench.evaluate(cell)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} ({os.path.basename(where.filename)}:{where.lineno})"


__all__ = ["cell_id", "run"]
