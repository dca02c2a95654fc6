"""What the sweep's process and its workers say to each other, one pickled object per message."""

from __future__ import annotations

from dataclasses import dataclass

from lossweep.experiments.cell import Cell
from lossweep.experiments.inspection import Inspection
from lossweep.experiments.parts import MetricParams
from lossweep.experiments.result import Result
from lossweep.experiments.scenario import Scenario


@dataclass(frozen=True)
class SetUp:
    """To a worker, first: the metrics, and the device that networks run on."""

    metrics: tuple[MetricParams, ...]
    device: str


@dataclass(frozen=True)
class Task:
    """To a worker: a cell to evaluate. `only` names the metrics to measure; None measures all."""

    cell: Cell
    only: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Inspect:
    """To a worker: look at what a scenario will use."""

    scenario: Scenario


@dataclass(frozen=True)
class Ready:
    """From a worker: its metrics are made."""


@dataclass(frozen=True)
class Stage:
    """From a worker: the stage that it begins, so that a death can be explained."""

    name: str


@dataclass(frozen=True)
class Failed:
    """From a worker: why a cell could not be evaluated, as one line."""

    reason: str


Outcome = Result | Failed
Order = SetUp | Task | Inspect
Reply = Ready | Stage | Inspection | Result | Failed
