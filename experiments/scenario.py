"""A scenario: one YAML file that says what is sent, through what, how often, and what is measured.

Any value may be a list, which makes it an axis of the sweep; a list of mappings is an axis whose values are
these mappings, each of which may hold lists again. Everything is checked before anything runs.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from importlib import resources
from inspect import signature
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from lossweep.channels.channel import CHANNELS
from lossweep.channels.errors import LossweepError
from lossweep.channels.registry import unknown
from lossweep.endpoints.asr.recognizer import recognizer
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.endpoints.fec.code import CODES
from lossweep.experiments.metrics.metric import METRICS


class ScenarioError(LossweepError, ValueError):
    """A scenario that cannot run; one line a mistake, each naming the place and the mend."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ClipParams(_Strict):
    """Which clip: "portrait", a video or sound file, or a folder of them; its frame rate, size, and length if cut.

    Without `fps` and `size` a file keeps its own; `size: 256` is the square around the face, scaled.
    A `recognizer` ("pocketsphinx", or a folder with a Zipformer) takes the words from the sound even where they
    are known; words that are needed and not known are pocketsphinx's.
    """

    source: str
    fps: float | None = Field(None, gt=0, le=120)
    size: int | None = Field(None, ge=64, le=1024, multiple_of=2)
    seconds: float | None = Field(None, gt=0, allow_inf_nan=False)
    recognizer: str | None = None


class PathParams(_Strict):
    """Delay of the path, pacing at the sender, and the wait at the receiver."""

    propagation_delay_s: float = Field(0.04, ge=0, le=10)
    jitter_s: float = Field(0.005, ge=0, le=10)
    playout_delay_s: float | str = "auto"
    pacing_factor: float = Field(2.5, ge=1)

    @field_validator("playout_delay_s")
    @classmethod
    def _auto_or_seconds(cls, value: float | str) -> float | str:
        if isinstance(value, str) and value != "auto":
            raise ValueError(f"playout_delay_s is 'auto' or seconds, not {value!r}")
        if not isinstance(value, str) and not 0 <= value <= 60:
            raise ValueError(f"playout_delay_s is {value}, not within 0 and 60 seconds")
        return value


class PlotParams(_Strict):
    """What is drawn: y (columns of the table) against x, a panel for each value of the facets."""

    x: str = "loss_rate"
    y: list[str] = []
    facet: list[str] = []


class ReportParams(_Strict):
    """At which loss rate the report shows frames."""

    loss_rate: float = Field(0.3, ge=0, le=1)


class Scenario(_Strict):
    """A checked scenario.

    Attributes:
        clip, endpoint, code, channel, path: as in the file, lists and all; `cells` expands them. An endpoint
            may hold a `code` of its own, which takes the place of the scenario's.
        score_every: metrics of pictures score every so many frames, from the first.
        metrics: a name, or a mapping with a name and options.
        require: metrics without which the sweep does not begin.
    """

    name: str
    description: str = ""
    seed: int = Field(1, ge=0)
    repetitions: int = Field(1, ge=1)
    clip: Any = "portrait"
    endpoint: Any
    code: Any = Field(default_factory=lambda: {"name": "none"})
    channel: Any
    path: Any = Field(default_factory=dict)
    metrics: list[str | dict[str, Any]]
    require: list[str] = []
    score_every: int = Field(1, ge=1)
    plot: PlotParams = PlotParams()
    report: ReportParams = ReportParams()

    def cells(self) -> Iterator[dict[str, Any]]:
        """Every cell of the sweep, as plain mappings without lists, repetitions innermost.

        A cell holds `clip, endpoint, code, channel, path, repetition, seed` (and `score_every` where it is
        not 1); it and the library versions determine its row.
        """
        sparse = {"score_every": self.score_every} if self.score_every > 1 else {}
        parts = [expand(part) for part in (self.clip, self.channel, self.path)]
        for clip, (endpoint, code), channel, path in itertools.product(parts[0], self._ways(), *parts[1:]):
            for repetition in range(self.repetitions):
                yield {
                    "clip": clip,
                    "endpoint": endpoint,
                    "code": code,
                    "channel": channel,
                    "path": path,
                    "repetition": repetition,
                    "seed": self.seed,
                    **sparse,
                }

    def _ways(self) -> list[tuple[Any, Any]]:
        """Every endpoint with every code that it is sent with."""
        ways = []
        for endpoint in expand(self.endpoint):
            alone = {key: value for key, value in endpoint.items() if key != "code"}
            codes = [endpoint["code"]] if "code" in endpoint else expand(self.code)
            ways += [(alone, code) for code in codes]
        return ways


def expand(value: Any) -> list[Any]:
    """All values of an axis: a list is the union of its members, a mapping the product of its values."""
    if isinstance(value, list):
        return [single for member in value for single in expand(member)]
    if isinstance(value, dict):
        products = itertools.product(*(expand(member) for member in value.values()))
        return [dict(zip(value, product, strict=True)) for product in products]
    return [value]


def read(source: str, overrides: list[str] | None = None) -> Scenario:
    """Reads and checks a scenario.

    Args:
        source: a YAML file, or the name of a scenario that ships with lossweep ("quickstart").
        overrides: "a.b=value" each, value in YAML; applied to every member where the file has a list.
    Raises:
        ScenarioError: no such scenario, not YAML, or anything in it that cannot run.
    """
    text = _text(source)
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ScenarioError(f"{source} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise ScenarioError(f"{source} holds no mapping; see `lossweep list` for ready-made scenarios")
    for override in overrides or []:
        path, equals, value = override.partition("=")
        if not equals:
            raise ScenarioError(f"--set {override!r} is not of the form a.b=value")
        _set(data, path.split("."), yaml.safe_load(value), override)
    return check(data)


def check(data: dict[str, Any]) -> Scenario:
    """Checks a scenario whole: names, ranges, and that every cell can be made.

    Raises:
        ScenarioError: one line a mistake.
    """
    try:
        scenario = Scenario.model_validate(data)
    except ValidationError as error:
        raise ScenarioError("\n".join(_lines(error, Scenario, ""))) from None
    scenario = scenario.model_copy(
        update={
            "clip": _checked("clip", scenario.clip, _clip),
            "endpoint": _checked("endpoint", scenario.endpoint, _endpoint),
            "code": _checked("code", scenario.code, _code),
            "channel": _checked("channel", scenario.channel, _channel),
            "path": _checked("path", scenario.path, _path),
        }
    )
    _check_ways(scenario)
    for metric in [*scenario.metrics, *scenario.require]:
        name = metric if isinstance(metric, str) else metric.get("name", "")
        if name not in METRICS.names():
            raise ScenarioError(f"metrics: {unknown('metric', name, METRICS.names())}")
        if not isinstance(metric, str):
            _check_options(name, {key: value for key, value in metric.items() if key != "name"})
    missing = set(scenario.require) - {m if isinstance(m, str) else m["name"] for m in scenario.metrics}
    if missing:
        raise ScenarioError(f"require: {', '.join(sorted(missing))} is required but not among the metrics")
    return scenario


def _check_options(name: str, options: dict[str, Any]) -> None:
    """Refuses options that a metric does not take, and values that it says are wrong."""
    metric = METRICS.get(name)
    try:
        signature(metric).bind(**options)
        getattr(metric, "check", lambda **options: None)(**options)
    except (TypeError, ValueError) as error:
        raise ScenarioError(f"metrics: {name}: {error}") from None


def _check_ways(scenario: Scenario) -> None:
    """Refuses endpoints with codes that they do not take."""
    mistakes = []
    for endpoint, code in scenario._ways():
        name, options = code["name"], {k: v for k, v in code.items() if k != "name"}
        family = CODES.get(name).from_params(**options)
        takers = getattr(family, "endpoints", (endpoint["name"],))
        if endpoint["name"] not in takers:
            mistakes.append(f"code {name} is for the endpoint {', '.join(takers)}, not {endpoint['name']}")
            continue
        found = ENDPOINTS.get(endpoint["name"])
        try:
            found(found.Params.model_validate(endpoint), family)
        except ValueError as error:
            mistakes.append(str(error))
    if mistakes:
        raise ScenarioError("\n".join(f"endpoint: {line}" for line in dict.fromkeys(mistakes)))


def ready_made() -> dict[str, Path]:
    """The scenarios that ship with lossweep, by name."""
    folder = Path(str(resources.files("lossweep.experiments") / "scenarios"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def _text(source: str) -> str:
    path = Path(source)
    if path.suffix in (".yaml", ".yml") or path.exists():
        try:
            return path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not a text file"
            raise ScenarioError(f"cannot read scenario {source}: {reason}") from None
    if source not in ready_made():
        raise ScenarioError(unknown("scenario", source, ready_made()))
    return ready_made()[source].read_text()


def _set(data: Any, keys: list[str], value: Any, override: str) -> None:
    if isinstance(data, list):
        for member in data:
            _set(member, keys, value, override)
        return
    if not isinstance(data, dict):
        raise ScenarioError(f"--set {override}: {keys[0]!r} is not inside a mapping")
    if len(keys) == 1:
        data[keys[0]] = value
        return
    if isinstance(data.get(keys[0]), str):  # the short form `clip: portrait`
        data[keys[0]] = {"source" if keys[0] == "clip" else "name": data[keys[0]]}
    _set(data.setdefault(keys[0], {}), keys[1:], value, override)


def _checked(part: str, value: Any, check_one: Any) -> list[Any]:
    checked, mistakes = [], []
    for single in expand(value):
        try:
            result = check_one(single)
            checked += result if isinstance(result, list) else [result]
        except ValidationError as error:
            mistakes += _lines(error, None, part)
        except (ValueError, TypeError) as error:
            mistakes.append(f"{part}: {error}")
    if mistakes:
        raise ScenarioError("\n".join(dict.fromkeys(mistakes)))
    if not checked:
        raise ScenarioError(f"{part}: an empty list leaves nothing to run")
    return checked


def _clip(value: Any) -> list[dict[str, Any]]:
    from lossweep.experiments.clips.source import BUILT_IN, sources

    params = ClipParams.model_validate({"source": value} if isinstance(value, str) else value)
    if params.recognizer is not None:
        params.recognizer = os.path.expandvars(params.recognizer)
        recognizer(params.recognizer)
    unsaid = {"recognizer"} if params.recognizer is None else set()
    if params.source == BUILT_IN:
        params.fps, params.size = params.fps or 25.0, params.size or 256
    return [
        params.model_copy(update={"source": s}).model_dump(exclude=unsaid) for s in sources(params.source)
    ]


def _named(value: Any) -> tuple[str, dict[str, Any]]:
    value = {"name": value} if isinstance(value, str) else value
    if not isinstance(value, dict) or "name" not in value:
        raise ValueError(f"{value!r} has no name")
    return value["name"], {key: v for key, v in value.items() if key != "name"}


def _endpoint(value: Any) -> dict[str, Any]:
    name, options = _named(value)
    own = {"code": _code(options.pop("code"))} if "code" in options else {}
    return ENDPOINTS.get(name).Params.model_validate({"name": name, **options}).model_dump() | own


def _code(value: Any) -> dict[str, Any]:
    name, options = _named(value)
    CODES.get(name).from_params(**options)
    return {"name": name, **options}


def _channel(value: Any) -> dict[str, Any]:
    name, options = _named(value)
    CHANNELS.get(name).from_params(**options)
    return {"name": name, **options}


def _path(value: Any) -> dict[str, Any]:
    return PathParams.model_validate(value).model_dump()


def _lines(error: ValidationError, model: type[BaseModel] | None, part: str) -> list[str]:
    lines = []
    for problem in error.errors():
        place = ".".join([part, *map(str, problem["loc"])]).strip(".")
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            known = list(model.model_fields) if model and len(problem["loc"]) == 1 else None
            message = unknown("key", str(problem["loc"][-1]), known) if known else "no such key"
        elif problem["type"] not in ("missing", "value_error"):
            message += f", not {problem['input']!r}"
        lines.append(f"{place}: {message}")
    return lines
