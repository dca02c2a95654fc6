"""`manifest.json`: what made a result. It names no folder of the machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from lossweep.experiments.cell import Cell
from lossweep.experiments.columns import as_data
from lossweep.experiments.commit import REPOSITORY, git_commit
from lossweep.experiments.fingerprint import Fingerprint, versions
from lossweep.experiments.inspection import ClipSummary, Inspection, MetricSummary
from lossweep.experiments.labels import labels
from lossweep.experiments.scenario import Data, Scenario


class LastRun(BaseModel):
    """Statistics of the last run; seconds by stage are summed over all workers."""

    cells: int
    cells_finished: int
    cells_failed: int
    cells_of_this_run: int
    wall_s: float
    seconds_by_stage: dict[str, float]


class Manifest(LastRun):
    """The content of `manifest.json`.

    Attributes:
        scenario_name, scenario: as data; files by their names.
        seeds: of the scenario, and the number of repetitions.
        versions: of Python, libraries and codecs.
        git_commit: of lossweep's code, with "+changes" where the tree differs; "" outside a checkout of it.
        sources: hash of the modules that determine rows.
        clips, metrics: by name.
        columns: schema of the table's columns.
        labels: names for people of what the column `endpoint` holds.
        weights: file to SHA-256, of metrics (by metric) and endpoints.
        absent: metrics that were not measured, and why.
        device, threads: that networks ran on; 0 threads are those of the process, without workers.
    """

    scenario_name: str
    scenario: Data
    seeds: dict[str, Any]
    versions: dict[str, str]
    git_commit: str
    sources: str
    clips: dict[str, ClipSummary]
    metrics: dict[str, MetricSummary]
    columns: list[Data]
    labels: dict[str, dict[str, str]]
    weights: dict[str, str]
    absent: dict[str, str]
    device: str
    threads: int


def without_folders(text: str) -> str:
    """A message with absolute paths reduced to their last name, so that a manifest holds no path of the machine."""
    return re.sub(r"(?<![\w/:])/(?:[^\s/;,)]+/)+", "", text)


def manifest(
    scenario: Scenario,
    inspection: Inspection,
    fingerprint: Fingerprint,
    device: str,
    threads: int,
    columns: list[str],
    labelled: Mapping[str, Cell],
    run: LastRun,
) -> Manifest:
    """The manifest of a sweep.

    Args:
        columns: of the table.
        labelled: a cell for each value of the column `endpoint`.
    """
    weights = {name: m.weights_sha256 for name, m in inspection.metrics.items() if m.weights_sha256}
    for files in inspection.weights.values():
        weights |= files
    return Manifest(
        scenario_name=scenario.name,
        scenario=scenario.public(),
        seeds={
            "scenario": scenario.seed[0] if len(scenario.seed) == 1 else list(scenario.seed),
            "repetitions": scenario.public()["repetitions"],
        },
        versions=versions(),
        git_commit=git_commit(REPOSITORY),
        sources=fingerprint.parts["lossweep's code"],
        clips=dict(inspection.clips),
        metrics=dict(inspection.metrics),
        columns=as_data(inspection.columns, columns),
        labels=labels([cell.model_dump() for cell in labelled.values()], labelled),
        weights=weights,
        absent={name: without_folders(reason) for name, reason in inspection.absent.items()},
        device=device,
        threads=threads,
        **run.model_dump(),
    )
