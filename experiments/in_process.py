"""A sweep in this process, without workers: for notebooks, debuggers and small scenarios."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lossweep.experiments.engine import groups
from lossweep.experiments.evaluator import Evaluator
from lossweep.experiments.inspection import Inspection, inspect
from lossweep.experiments.messages import Failed, Outcome, SetUp, Task
from lossweep.experiments.scenario import Scenario
from lossweep.experiments.worker import reason


class InProcess:
    """Evaluates cells in this process, one after another."""

    def __init__(self, set_up: SetUp) -> None:
        self._evaluator = Evaluator(set_up.metrics, set_up.device)

    def inspect(self, scenario: Scenario) -> Inspection:
        """As `Engine.inspect`."""
        return inspect(scenario, self._evaluator)

    def run(self, tasks: Iterable[Task], done: Callable[[Task, Outcome], None]) -> None:
        """As `Engine.run`."""
        for group in groups(tasks):
            for task in group:
                try:
                    outcome: Outcome = self._evaluator.evaluate(task.cell, task.only)
                except Exception as error:
                    outcome = Failed(reason(error))
                done(task, outcome)

    def stop(self) -> None:
        """Nothing to end."""
