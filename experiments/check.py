"""Checks a scenario completely before anything runs: names, ranges, and that every cell can run."""

from __future__ import annotations

import copy
import logging
import os
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from lossweep.channels.registry import did_you_mean, unknown
from lossweep.endpoints.asr.recognizer import recognizer
from lossweep.endpoints.clip import ClipError
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.experiments.axes import distinct, expand, infinite, numbers
from lossweep.experiments.call_params import CallParams
from lossweep.experiments.clips.source import BUILT_IN, sources
from lossweep.experiments.errors import ScenarioError
from lossweep.experiments.feasibility import infeasible, why_unreadable
from lossweep.experiments.metrics.metric import METRICS
from lossweep.experiments.parts import (
    ChannelParams,
    ClipChoice,
    ClipParams,
    CodeParams,
    MetricParams,
    Named,
    PathParams,
    channel_params,
    endpoint_params,
    named,
)
from lossweep.experiments.scenario import Data, Scenario, Way
from lossweep.experiments.validation import lines_of

FRACTIONS = ("loss_rate", "expected_loss")
PORTRAIT_FPS, PORTRAIT_SIZE = 25.0, 256
DEFAULTS: Data = {"clip": "portrait", "code": "none", "path": {}}


_log = logging.getLogger(__name__)
NOTHING = "an empty list leaves nothing to run"


def check(data: Data, folder: Path | None = None) -> Scenario:
    """Checks a scenario whole.

    Args:
        data: as YAML gives it.
        folder: that relative clip paths start from; None is the current one.
    Raises:
        ScenarioError: one line for each mistake.
    """
    folder, origin = folder or Path.cwd(), copy.deepcopy(data)
    mistakes = [*infinite(data)]
    data = DEFAULTS | numbers(data)
    mistakes += [
        f"{key}: {unknown('key', key, Scenario.model_fields)}"
        for key in data
        if key not in Scenario.model_fields
    ]
    mistakes += _percentages(data)
    _stop(mistakes)
    parts: dict[str, Callable[[Any], Any]] = {
        "clip": lambda value: _clip(value, folder),
        "endpoint": _way,
        "code": lambda value: _made(CodeParams, value),
        "channel": lambda value: _channel(value, folder),
        "path": PathParams.model_validate,
        "call": lambda value: _call(value, folder),
    }
    parsed: Data = {}
    for part, parse in parts.items():
        if part in data:
            parsed[part] = _values(part, data[part], parse, mistakes)
    parsed["code"] = distinct(parsed["code"], CodeParams.make)
    if "endpoint" in parsed:
        parsed["endpoint"] = distinct(parsed["endpoint"], Way.made)
    if "channel" in parsed:
        parsed["channel"] = distinct(parsed["channel"], lambda one: one.physical() or one.make())
    for part in ("seed", "score_every"):
        if part in data:
            parsed[part] = tuple(expand(data[part]))
            if not parsed[part]:
                mistakes.append(f"{part}: {NOTHING}")
    if isinstance(data.get("metrics"), list):
        parsed["metrics"] = _metrics(data["metrics"], mistakes)
    _stop(mistakes)
    try:
        scenario = Scenario.model_validate(data | parsed)
    except ValidationError as error:
        raise ScenarioError("\n".join(lines_of(error, Scenario, ""))) from None
    mistakes += [
        f"require: {name} is required but not among the metrics"
        for name in scenario.require
        if name not in {metric.name for metric in scenario.metrics}
    ]
    mistakes += _plotted(scenario)
    _stop(mistakes)
    _stop(infeasible(scenario))
    scenario._origin = (origin, folder)
    return scenario


def _stop(mistakes: list[str]) -> None:
    if mistakes:
        raise ScenarioError("\n".join(dict.fromkeys(mistakes)))


def _values(part: str, value: Any, parse: Callable[[Any], Any], mistakes: list[str]) -> tuple[Any, ...]:
    """All values of an axis, parsed; what is wrong with them goes into `mistakes`."""
    found: list[Any] = []
    singles = expand(value)
    if not singles:
        mistakes.append(f"{part}: {NOTHING}")
    for single in singles:
        try:
            parsed = parse(single)
            found += parsed if isinstance(parsed, list) else [parsed]
        except ValidationError as error:
            mistakes += lines_of(error, _model(part, single), part)
        except (ValueError, TypeError) as error:
            mistakes.append(f"{part}: {error}")
    return tuple(found)


def _model(part: str, value: Any) -> type[BaseModel] | None:
    """The model that a part of the scenario was checked against, for the nearest known option."""
    if part == "endpoint":
        name = value.get("name") if isinstance(value, dict) else value
        return ENDPOINTS.get(name).Params if name in ENDPOINTS.names() else None
    models: dict[str, type[BaseModel]] = {"clip": ClipChoice, "path": PathParams, "call": CallParams}
    return models.get(part)


def _clip(value: Any, folder: Path) -> list[ClipParams]:
    params = ClipChoice.model_validate({"source": value} if isinstance(value, str) else value)
    if params.recognizer is not None:
        params = params.model_copy(update={"recognizer": os.path.expandvars(params.recognizer)})
        recognizer(params.recognizer or "")
    source = params.source
    if source == BUILT_IN:
        params = params.model_copy(
            update={"fps": params.fps or PORTRAIT_FPS, "size": params.size or PORTRAIT_SIZE}
        )
    elif not source.startswith(("$", "~")) or (folder / source).exists():
        path = folder / source
        source = str(Path(os.path.realpath(path.parent)) / path.name)
    singles = [params.single(one) for one in sources(source)]
    return _readable(singles) if params.skip_unreadable else singles


def _readable(clips: list[ClipParams]) -> list[ClipParams]:
    """The clips that can be read; the others are named in the log.

    Raises:
        ClipError: none can be read.
    """
    problems = [why_unreadable(clip) for clip in clips]
    if all(problems):
        raise ClipError(problems[0])
    for problem in filter(None, problems):
        _log.warning("%s: skipped", problem)
    return [clip for clip, problem in zip(clips, problems, strict=True) if not problem]


def _way(value: Any) -> Way:
    code = None
    if isinstance(value, dict) and "code" in value:
        code = _made(CodeParams, value["code"])
        value = {key: member for key, member in value.items() if key != "code"}
    return Way.model_construct(endpoint=endpoint_params(value), code=code)


def _made(kind: Any, value: Any) -> Any:
    """A code or channel, made once so that it checks its options."""
    model = named(kind, value)
    model.make()
    return model


def _channel(value: Any, folder: Path) -> ChannelParams:
    """A channel, made once so that it checks its options; its traces are relative to the scenario's folder."""
    if isinstance(value, dict):
        members = value.get("elements") if isinstance(value.get("elements"), list) else [value]
        for member in members or ():
            if isinstance(member, dict) and (folder / str(member.get("file", ""))).is_file():
                member["file"] = str((folder / member["file"]).absolute())
    model = channel_params(value)
    if model.physical() is None:
        model.make()
    return model


def _call(value: Any, folder: Path) -> CallParams:
    """A call, with its path back made once, as `channel`."""
    if isinstance(value, dict) and value.get("reverse") is not None:
        try:
            _channel(value["reverse"], folder).make()
        except ValidationError:
            raise
        except ValueError as error:
            raise ValueError(f"reverse: {error}") from None
    return CallParams.model_validate(value)


def _metrics(value: list[Any], mistakes: list[str]) -> tuple[Named, ...]:
    found: list[Named] = []
    for single in value:
        try:
            metric = named(MetricParams, single)
            made = METRICS.get(metric.name)
            signature(made).bind(**metric.options)
            getattr(made, "check", lambda **options: None)(**metric.options)
        except (TypeError, ValueError, RuntimeError) as error:
            name = single.get("name", single) if isinstance(single, dict) else single
            prefix = "" if str(name) in str(error) else f"{name}: "
            mistakes.append(f"metrics: {prefix}{error}")
            continue
        if metric.name in {other.name for other in found}:
            mistakes.append(f"metrics: {metric.name} stands twice; a table has one column for it")
        found.append(metric)
    return tuple(found)


def _plotted(scenario: Scenario) -> list[str]:
    """Columns named for the plots that no table of the scenario has."""
    from lossweep.experiments.column_table import COLUMNS
    from lossweep.experiments.columns import parameter_columns, schema

    known = {column.name for column in COLUMNS}
    for metric in scenario.metrics:
        made = METRICS.get(metric.name)
        known |= {*getattr(made, "columns", ()), metric.name, f"{metric.name}_paper"}
        known |= {column.name for column in getattr(made, "schema", None) or ()}
    known |= {name for cell in scenario.samples() for name in parameter_columns(cell)}
    asked = {"plot.x": (scenario.plot.x,), "plot.y": scenario.plot.y, "plot.facet": scenario.plot.facet}
    if scenario.precision is not None:
        asked["repetitions.until.column"] = (scenario.precision.until.column,)
    if {name for names in asked.values() for name in names} - known:
        known |= set(schema())  # those of all endpoints, which takes longer to import
    return [
        f"{place}: unknown column {name!r}{did_you_mean(name, known)} (`lossweep columns` lists them)"
        for place, names in asked.items()
        for name in names
        if name not in known
    ]


def _percentages(value: Any, place: str = "") -> list[str]:
    """Fractions that were given as percent."""
    if isinstance(value, list):
        return [line for member in value for line in _percentages(member, place)]
    if not isinstance(value, dict):
        key = place.rpartition(".")[2]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if key in FRACTIONS and number and value == 1 and isinstance(value, int):
            return [f"{place} is 1; write 1 % or 100 %"]
        if key in FRACTIONS and number and 1 < value <= 100:
            return [
                f"{place} is {value:g}, and 1 is everything; did you mean {value / 100:g} or {value:g} %?"
            ]
        return []
    return [
        line for key, member in value.items() for line in _percentages(member, f"{place}.{key}".strip("."))
    ]
