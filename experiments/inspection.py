"""What a scenario will use, looked at before its first cell runs: clips, metrics, weights."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from lossweep.endpoints.codecs.video.encode import content_hash
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.endpoints.system_part import Part
from lossweep.endpoints.tts.synthesizer import SYNTHESIZERS
from lossweep.experiments.cell import Cell, digest, name_of
from lossweep.experiments.column import Column
from lossweep.experiments.columns import schema
from lossweep.experiments.evaluator import Evaluator
from lossweep.experiments.metrics.metric import FrameMetric, Metric
from lossweep.experiments.parts import ClipParams
from lossweep.experiments.scenario import Scenario


class ClipSummary(BaseModel):
    """What a clip holds, and hashes of its content ("" where it lacks that part).

    `notes` say what was changed in it or not used of it when it was read, one line each.
    """

    frames: int
    fps: float
    size: tuple[int, ...]
    seconds: float
    words: int
    words_from: str
    video_hash: str
    speech_hash: str
    words_hash: str
    notes: tuple[str, ...] = ()

    @property
    def pixels_per_s(self) -> float:
        """0 without pictures."""
        return self.fps * math.prod(self.size) if self.size else 0.0


class MetricSummary(BaseModel):
    """What plots and pages say of a metric."""

    label: str
    higher_is_better: bool
    columns: tuple[str, ...]
    opposite: tuple[str, ...] = ()
    weights_sha256: str = ""


@dataclass(frozen=True)
class Inspection:
    """What a scenario will use.

    Attributes:
        absent: metric to one line: why it is not measured and how to get it.
        metrics: those that are present.
        weights: digest of an endpoint's options to file name to SHA-256, for endpoints that read weights.
        clips: by name.
        columns: the schema of all columns that a row may have.
    """

    absent: Mapping[str, str]
    metrics: Mapping[str, MetricSummary]
    weights: Mapping[str, Mapping[str, str]]
    clips: Mapping[str, ClipSummary]
    columns: Mapping[str, Column]


def inspect(scenario: Scenario, evaluator: Evaluator) -> Inspection:
    """Looks at everything that a scenario will use.

    Raises:
        ClipError: a clip that cannot be read.
    """
    metrics = evaluator.scores.metrics
    return Inspection(
        absent=dict(evaluator.scores.absent),
        metrics={name: summary_of_metric(metric) for name, metric in metrics.items()},
        weights={digest(way.endpoint): weights_of(way.endpoint) for way in scenario.endpoint},
        clips=_clips(scenario, evaluator),
        columns=schema(metrics),
    )


def summary_of_metric(metric: Metric) -> MetricSummary:
    """The summary of a metric object."""
    columns = [*metric.columns]
    if isinstance(metric, FrameMetric) and metric.undecodable_score is not None:
        columns.append(f"{metric.name}_paper")
    return MetricSummary(
        label=metric.label,
        higher_is_better=metric.higher_is_better,
        columns=tuple(columns),
        opposite=metric.opposite,
        weights_sha256=metric.weights_sha256,
    )


def weights_of(endpoint: BaseModel) -> dict[str, str]:
    """SHA-256 of the weights that an endpoint, its parts and its voice read, by file."""
    found: dict[str, str] = dict(getattr(ENDPOINTS.get(name_of(endpoint)), "weights", dict)())
    for part in ("video", "speech", "words"):
        inner = getattr(endpoint, part, None)
        if isinstance(inner, Part):
            found |= getattr(ENDPOINTS.get(name_of(inner.options)), "weights", dict)()
    voice = getattr(endpoint, "voice", None)
    if voice is not None:
        found |= getattr(SYNTHESIZERS.get(voice.name), "weights", dict)()
    return {name: value for name, value in sorted(found.items()) if value}


def _clips(scenario: Scenario, evaluator: Evaluator) -> dict[str, ClipSummary]:
    spoken = any(_says_words(scenario, way.endpoint) for way in scenario.endpoint)
    found: dict[str, ClipSummary] = {}
    for params in scenario.clip:
        clip = evaluator.clip(params, spoken)
        name = clip.name
        if name in found:
            name = f"{clip.name} ({', '.join(_differences(params, scenario.clip)) or params.source})"
        video = clip.video
        found[name] = ClipSummary(
            frames=len(video) if video is not None else 0,
            fps=clip.fps,
            size=tuple(video[0].shape[1::-1]) if video is not None and len(video) else (),
            seconds=round(clip.duration_s, 3),
            words=len(clip.words) if clip.words else 0,
            words_from=clip.source,
            video_hash=content_hash(video) if video is not None else "",
            speech_hash=content_hash([clip.speech]) if clip.speech is not None else "",
            words_hash=hashlib.blake2b(repr(clip.words).encode(), digest_size=16).hexdigest()
            if clip.words
            else "",
            notes=tuple(clip.notes),
        )
    return found


def _differences(params: ClipParams, others: tuple[ClipParams, ...]) -> list[str]:
    """The options of a clip in which clips of the scenario differ, such as "fps 30"."""
    fields = ("fps", "size", "seconds", "recognizer")
    return [f"{f} {getattr(params, f)}" for f in fields if len({getattr(other, f) for other in others}) > 1]


def _says_words(scenario: Scenario, endpoint: BaseModel) -> bool:
    first = scenario.clip[0], scenario.code[0], scenario.channel[0]
    return Cell(clip=first[0], endpoint=endpoint, code=first[1], channel=first[2]).says_words()
