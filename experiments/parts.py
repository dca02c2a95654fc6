"""The parts of a cell as typed models: clip, endpoint, packet code, channel, path, metric.

What is registered (endpoints, codes, channels, metrics) is found by its `name`, so third parties' names work as
lossweep's own, and the code of one endpoint is not imported to check another.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    field_serializer,
    field_validator,
    model_serializer,
)

from lossweep.channels.path import PathModel
from lossweep.channels.physical import PHYSICAL, PhysicalChannel
from lossweep.channels.registry import Registry
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.endpoints.fec.code import CODES, CodeFamily
from lossweep.experiments.clips.source import BUILT_IN, CAPTION_SUFFIXES, composed

Scalar = str | int | float | bool | None
Option = Scalar | list[Scalar]
SIDECARS = (*CAPTION_SUFFIXES, ".txt", ".tsv")


class Strict(BaseModel):
    """A frozen model that refuses unknown keys and infinite numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ClipParams(Strict):
    """Which clip: "portrait", a video or sound file, or a folder of them; its frame rate, size, and length if cut.

    Attributes:
        source: name or path.
        fps: frames per second, in (0, 120]; None keeps the clip's own (the portrait's is 25).
        size: height and width in pixels, even, 64 to 1024: the square around a large face, else the centre square,
            scaled; None keeps the clip's own size (the portrait's is 256).
        seconds: length to keep from the beginning; None keeps all.
        recognizer: takes the words from the sound even where they are known: "pocketsphinx", or a folder with a
            Whisper model or a Zipformer. Words that are needed and not known are pocketsphinx's.
    """

    source: str
    fps: float | None = Field(None, gt=0, le=120)
    size: int | None = Field(None, ge=64, le=1024, multiple_of=2)
    seconds: float | None = Field(None, gt=0)
    recognizer: str | None = None

    @field_serializer("source", when_used="json")
    def _readable(self, source: str) -> str:
        """JSON is Unicode, and names of files need not be."""
        return os.fsencode(source).decode("utf-8", "backslashreplace")

    def files(self) -> tuple[Path, ...]:
        """The files whose content determines the clip: the clip itself, captions beside it, the recognizer's."""
        if self.source == BUILT_IN:
            found: list[Path] = []
        else:
            path = Path(self.source.partition("#")[0] if ".tsv#" in self.source else self.source)
            beside = path.parent.glob("*") if path.parent.is_dir() else ()
            found = [path, *(p for p in beside if p != path and _belongs(p, path))]
        if self.recognizer is not None and Path(self.recognizer).is_dir():
            found += [p for p in Path(self.recognizer).iterdir() if p.is_file()]
        return tuple(sorted(found))


class ClipChoice(ClipParams):
    """What a scenario says of its clips: `source` may be a folder.

    Attributes:
        skip_unreadable: leaves out the files of the folder that cannot be read, and names them.
    """

    skip_unreadable: bool = False

    def single(self, source: str) -> ClipParams:
        """One of the clips."""
        return ClipParams(**self.model_dump(exclude={"source", "skip_unreadable"}), source=source)


class PathParams(Strict):
    """Delay of the path, pacing at the sender, and the wait at the receiver.

    Attributes:
        propagation_delay_s: in [0, 10] s.
        jitter_s: mean of the additional random delay, in [0, 10] s.
        playout_delay_s: from capture to display, in [0, 60] s, or "auto".
        pacing_factor: how much faster than the media's rate packets leave, >= 1.
    """

    propagation_delay_s: float = Field(0.04, ge=0, le=10)
    jitter_s: float = Field(0.005, ge=0, le=10)
    playout_delay_s: float | Literal["auto"] = "auto"
    pacing_factor: float = Field(2.5, ge=1)

    @field_validator("playout_delay_s", mode="before")
    @classmethod
    def _auto_or_seconds(cls, value: Any) -> Any:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value != "auto" and not (number and 0 <= value <= 60):
            raise ValueError(f"'auto' or 0 to 60 seconds, not {value!r}")
        return value


class Named(BaseModel):
    """A registered thing by name, with its options; its class checks them when it is constructed."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Option]
    name: str

    @property
    def options(self) -> dict[str, Option]:
        """The options without the name."""
        return dict(self.__pydantic_extra__)


class CodeParams(Named):
    """A packet code."""

    def make(self) -> CodeFamily:
        """The code family.

        Raises:
            ValueError: an option that the code does not take, or a value out of its range.
        """
        return _made(CODES, self.model_dump_json())


class ChannelParams(Named):
    """A path element (a loss model, a delay, ...), or several in the order in which packets pass them.

    Attributes:
        name: of the element; of several, a label, or their names joined by "+".
        elements: several; () where `name` and the options are those of one.
    """

    elements: tuple[Named, ...] = ()

    def physical(self) -> PhysicalChannel | None:
        """The physical channel; None for a path that carries packets.

        Raises:
            ValueError: an option that it does not take, or a value out of its range.
        """
        if self.elements or self.name not in PHYSICAL.names():
            return None
        made: PhysicalChannel = _made(PHYSICAL, self.model_dump_json())
        return made

    def make(self, propagation_delay_s: float = 0.0, jitter_s: float = 0.0) -> PathModel:
        """The path, with a delay added where no element is one.

        Raises:
            ValueError: an option that an element does not take, or a value out of its range; a physical channel.
        """
        if not self.elements and self.name in PHYSICAL.names():
            raise ValueError(f"channel {self.name} carries symbols, no packets")
        return _path_model(self.model_dump_json(), propagation_delay_s, jitter_s)

    def members(self) -> tuple[Named, ...]:
        """The elements, one or more."""
        return self.elements or (Named(name=self.name, **self.options),)

    def settings(self) -> dict[str, Any]:
        """Name and options as one flat mapping; options that several elements have begin with the element's name."""
        flat: dict[str, Any] = {"name": self.name}
        for member in self.members():
            for key, value in member.options.items():
                flat[f"{member.name}_{key}" if key in flat else key] = value
        return flat

    def files(self) -> tuple[Path, ...]:
        """Traces that the elements read."""
        traces = (member.options.get("file") for member in self.members())
        return tuple(Path(os.path.expandvars(file)) for file in traces if isinstance(file, str))

    @model_serializer(mode="wrap")
    def _without_empty(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        data: dict[str, Any] = handler(self)
        return {key: value for key, value in data.items() if key != "elements" or value}


def sends_symbols(endpoint: str) -> bool:
    """Whether the endpoint of that name sends symbols over a physical channel, and no packets."""
    return getattr(ENDPOINTS.get(endpoint), "carries", "packets") == "symbols"


class MetricParams(Named):
    """A metric and its options."""


class EndpointOptions(Protocol):
    """What the `Params` of every endpoint have."""

    name: str


T = TypeVar("T", bound=Named)


def named(kind: type[T], value: object) -> T:
    """A name, a mapping with a name, or the model itself, as the model.

    Raises:
        ValueError: no name.
    """
    if isinstance(value, kind):
        return value
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise ValueError(f"{value!r} has no name")
    return kind.model_validate(value)


def channel_params(value: object) -> ChannelParams:
    """A path element by name, or `{elements: [...], label: ...}`, as the model.

    Raises:
        ValueError: no name, or an empty list of elements.
    """
    if not isinstance(value, dict) or "elements" not in value or isinstance(value.get("name"), str):
        return named(ChannelParams, value)
    if (
        not isinstance(value["elements"], list)
        or not value["elements"]
        or value.keys() - {"elements", "label"}
    ):
        raise ValueError("elements is a list of one path element or more, and has only a label beside it")
    elements = tuple(named(Named, member) for member in value["elements"])
    return ChannelParams(
        name=str(value.get("label") or "+".join(one.name for one in elements)), elements=elements
    )


def endpoint_params(value: object) -> BaseModel:
    """The options of an endpoint as its own model, found by name.

    Raises:
        UnknownName: no such endpoint.
        ValueError: no name, or options that it does not take.
    """
    if isinstance(value, BaseModel):
        return value
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise ValueError(f"{value!r} has no name")
    model: type[BaseModel] = ENDPOINTS.get(value["name"]).Params
    return model.model_validate(value)


def _in_model(kind: type[T]) -> Callable[[object], T]:
    return lambda value: named(kind, value)


EndpointParams = Annotated[SerializeAsAny[BaseModel], BeforeValidator(endpoint_params)]
Code = Annotated[CodeParams, BeforeValidator(_in_model(CodeParams))]
Channel = Annotated[ChannelParams, BeforeValidator(channel_params)]
Metric = Annotated[MetricParams, BeforeValidator(_in_model(MetricParams))]


@lru_cache(maxsize=1024)
def _made(registry: Registry, data: str) -> Any:
    options = json.loads(data)
    return registry.get(options.pop("name")).from_params(**options)


@lru_cache(maxsize=4096)
def _path_model(data: str, propagation_delay_s: float, jitter_s: float) -> PathModel:
    channel = json.loads(data)
    if "elements" in channel:
        channel["label"] = channel.pop("name")
    return PathModel.from_params(channel, propagation_delay_s=propagation_delay_s, jitter_s=jitter_s)


def _belongs(path: Path, clip: Path) -> bool:
    """Whether a file is captions or a transcript of a clip: `talk.srt`, `talk.en.VTT` beside `talk.mp4`."""
    beside, name = (composed(one).lower() for one in (path.name, clip.stem))
    return path.suffix.lower() in SIDECARS and beside.startswith(f"{name}.")
