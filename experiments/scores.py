"""The metrics of a sweep, and the scores they gave: equal pictures are scored once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from cachetools import LRUCache

from lossweep.channels.errors import LossweepError
from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.metrics.metric import (
    METRICS,
    ClipMetric,
    FrameMetric,
    Metric,
    MetricAbsent,
    Picture,
)
from lossweep.experiments.metrics.pairing import pairs
from lossweep.experiments.parts import MetricParams, Scalar, named
from lossweep.experiments.result import Row

SCORES_HELD = 1_000_000
UNDECODABLE = ("frozen", "grey")


@dataclass
class Sheet:
    """What is measured of one cell: its row so far, the columns that each metric gave, notes.

    Attributes:
        only: names of the metrics to measure; None measures all.
    """

    row: Row
    only: Sequence[str] | None = None
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def wants(self, name: str) -> bool:
        """Whether a metric is to be measured."""
        return self.only is None or name in self.only

    def add(self, name: str, values: Mapping[str, Scalar]) -> None:
        """Puts the columns of a metric into the row."""
        self.row |= values
        self.columns[name] = tuple(values)


class Timed(Protocol):
    """Calls a function as a named stage and notes its time."""

    def __call__(self, what: str, function: Any, *args: Any) -> Any: ...


class Scores:
    """The metrics that are present, and their scores of pictures.

    Args:
        metrics: names, or names with options.
        device: "cpu" or "cuda".
    Attributes:
        metrics: those that are present, by name.
        absent: name to one line: why a metric is not measured and how to get it.
        scored, asked: pictures scored, and frames for which a score was asked.
    """

    def __init__(self, metrics: Sequence[str | MetricParams], device: str) -> None:
        self.metrics: dict[str, Metric] = {}
        self.absent: dict[str, str] = {}
        self.scored = self.asked = 0
        for metric in (named(MetricParams, m) for m in metrics):
            try:
                self.metrics[metric.name] = METRICS.get(metric.name)(device=device, **metric.options)
            except MetricAbsent as reason:
                self.absent[metric.name] = str(reason)
        self._scores: LRUCache[tuple[str, str, str], float] = LRUCache(SCORES_HELD)

    def of_frames(
        self,
        clip: Clip,
        references: list[Picture],
        playback: Playback,
        every: int,
        sheet: Sheet,
        timed: Timed,
    ) -> dict[str, list[Scalar]]:
        """One score per frame and frame metric; their means go into the sheet."""
        paired = pairs(clip, playback)[::every]
        assert clip.video is not None
        outcomes = playback.outcomes(len(clip.video))
        outcome = [outcomes[reference] for _, reference in paired]
        pictures = playback.pictures([shown for shown, _ in paired])
        both = [
            (Picture(pixels, playback.digests[shown]), references[reference])
            for pixels, (shown, reference) in zip(pictures, paired, strict=True)
        ]
        frames: dict[str, list[Scalar]] = {
            "frame": [reference for _, reference in paired],
            "time_s": [reference / clip.fps for _, reference in paired],
            "outcome": list(outcome),
        }
        undecodable = np.array([o in UNDECODABLE for o in outcome])
        for name, metric in self.metrics.items():
            if not isinstance(metric, FrameMetric) or not sheet.wants(name):
                continue
            try:
                scores = timed(name, self._scores_of, metric, both)
            except Exception as error:
                sheet.notes.append(failure(name, error))
                scores = [math.nan] * len(both)
            frames[name] = scores
            values: dict[str, Scalar] = {name: float(np.mean(scores))}
            if metric.undecodable_score is not None:
                paper = np.where(undecodable, metric.undecodable_score, scores)
                values[f"{name}_paper"] = float(np.mean(paper))
            sheet.add(name, values)
        return frames

    def of_clip(
        self,
        clip: Clip,
        playback: Playback,
        truth: Truth,
        sheet: Sheet,
        timed: Timed,
    ) -> None:
        """The values of the clip metrics whose part is there go into the sheet."""
        for name, metric in self.metrics.items():
            if not isinstance(metric, ClipMetric) or not sheet.wants(name):
                continue
            if getattr(clip, metric.needs) is None or getattr(playback.clip, metric.needs) is None:
                continue
            try:
                sheet.add(name, timed(name, metric.score, clip, playback, truth))
            except Exception as error:
                sheet.notes.append(failure(name, error))
                sheet.add(name, dict.fromkeys(metric.columns, math.nan))

    def forget(self) -> None:
        """Drops all scores and what the metrics keep."""
        self._scores.clear()
        for metric in self.metrics.values():
            metric.forget()

    def _scores_of(self, metric: FrameMetric, both: list[tuple[Picture, Picture]]) -> list[float]:
        self.asked += len(both)
        keys = [(metric.name, shown.digest, reference.digest) for shown, reference in both]
        new = {key: pair for key, pair in zip(keys, both, strict=True) if key not in self._scores}
        self.scored += len(new)
        found = dict(zip(new, metric.scores(list(new.values())), strict=True))
        scores = [found[key] if key in found else self._scores[key] for key in keys]
        self._scores.update(found)
        return scores


def failure(name: str, error: Exception) -> str:
    """One line about a metric that failed on a cell."""
    text = " ".join(str(error).split())
    what = text if isinstance(error, LossweepError | ValueError) else f"{type(error).__name__}: {text}"
    return f"{name} could not be measured: {what.removeprefix(f'{name}: ')}"
