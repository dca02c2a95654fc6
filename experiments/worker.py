"""`python -m lossweep.experiments.worker FD`: evaluates cells for another process until that one is gone.

A worker is a separate process with its own entry point, so the user's script or notebook is not imported again and
needs no `__main__` guard. Orders and replies are pickled objects on the socket FD, which it inherits.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

from lossweep.channels.errors import LossweepError
from lossweep.experiments.evaluator import Evaluator, one_line
from lossweep.experiments.inspection import inspect
from lossweep.experiments.messages import Failed, Inspect, Order, Ready, Reply, SetUp, Stage, Task

HOME = Path(__file__).resolve().parents[1]


def main(descriptor: int) -> int:
    """Works off the orders that come on a socket.

    Returns:
        0. The process ends when the other end of the socket is closed, whatever it is doing.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection: Connection[Reply, Order] = Connection(descriptor)
    orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(connection, orders), daemon=True).start()
    try:
        return _work(connection, orders)
    except ConnectionError:  # the other process was killed
        return 0


def _work(connection: Connection[Reply, Order], orders: queue.SimpleQueue[Order]) -> int:
    first = orders.get()
    assert isinstance(first, SetUp)
    try:
        evaluator = Evaluator(first.metrics, first.device, lambda name: connection.send(Stage(name)))
    except Exception as error:
        connection.send(Failed(reason(error)))
        return 0
    connection.send(Ready())
    while True:
        connection.send(reply(evaluator, orders.get()))


def reply(evaluator: Evaluator, order: Order) -> Reply:
    """What an order gives; a failure is one line."""
    try:
        if isinstance(order, Inspect):
            return inspect(order.scenario, evaluator)
        assert isinstance(order, Task)
        return evaluator.evaluate(order.cell, order.only)
    except Exception as error:
        return Failed(reason(error))


def reason(error: Exception) -> str:
    """One line about an error; of unexpected ones with the last of lossweep's lines that it passed."""
    if isinstance(error, LossweepError):
        return one_line(error)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_own(frame.filename)]
    where = (own or frames)[-1]
    return f"{one_line(error)} ({os.path.basename(where.filename)}:{where.lineno})"


def _is_own(filename: str) -> bool:
    return "lossweep" in filename or Path(filename).resolve().is_relative_to(HOME)


def _listen(connection: Connection[Reply, Order], orders: queue.SimpleQueue[Order]) -> None:
    while True:
        try:
            orders.put(connection.recv())
        except (EOFError, OSError):
            os._exit(0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
