"""A scenario: what is sent, through what, how often, and what is measured.

Any value of clip, endpoint, code, channel, path and call may be a list, and so may seed and score_every: each list is
an axis of the sweep. A list of mappings is an axis whose values are these mappings, each of which may hold lists again.
`repetitions` (a count, or `{until: {column, half_width}, at_most}`), names, metrics, plot and report are no axes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, Discriminator, Field, PrivateAttr, Tag

from lossweep.endpoints.fec.code import CodeFamily
from lossweep.experiments.axes import distinct, expand, unique
from lossweep.experiments.call_params import CallParams
from lossweep.experiments.cell import MAX_SEED, Cell, differences, name_of
from lossweep.experiments.errors import ScenarioError
from lossweep.experiments.parts import (
    Channel,
    ClipParams,
    Code,
    CodeParams,
    EndpointParams,
    Metric,
    PathParams,
    Strict,
    sends_symbols,
)
from lossweep.experiments.precision import Precision

__all__ = ["Data", "Scenario", "ScenarioError", "Way", "expand"]

T = TypeVar("T")
Data = dict[str, Any]
"""A scenario as YAML or JSON has it."""


def _no_axis(value: Any) -> Any:
    if isinstance(value, list):
        raise ValueError("one number, not a list: it is the number of loss patterns, no axis")
    return value


KINDS_OF_REPETITIONS = ("a count", "a precision")


def _kind(value: Any) -> str:
    return KINDS_OF_REPETITIONS[isinstance(value, dict | Precision)]


Count = Annotated[int, BeforeValidator(_no_axis), Field(ge=1, le=1_000_000)]


class PlotParams(Strict):
    """What is drawn: y (columns of the table) against x, a panel for each value of the facets.

    `bands` says over what the 95 % intervals are: the loss patterns of the same clips, or the clips.
    """

    x: str = "loss_rate"
    y: tuple[str, ...] = ()
    facet: tuple[str, ...] = ()
    bands: Literal["patterns", "clips"] = "patterns"


class ReportParams(Strict):
    """At which loss rate, in [0, 1], the report shows frames."""

    loss_rate: float = Field(0.3, ge=0, le=1)


class Reference(Strict):
    """Published points that a plot of y against x shows beside ours; `source` names the publication."""

    label: str
    x: str
    y: str
    points: tuple[tuple[float, float], ...]
    source: str


class Way(Strict):
    """An endpoint with its options, and the packet code of its own if it has one."""

    endpoint: EndpointParams
    code: Code | None = None

    def made(self) -> tuple[str, CodeFamily | None]:
        """What tells ways apart; equal ones are one way, however they are written."""
        return self.endpoint.model_dump_json(), None if self.code is None else self.code.make()


class Scenario(Strict):
    """A checked scenario; `lossweep.experiments.check.check` makes it.

    Attributes:
        clip, endpoint, code, channel, path, call: the values of each axis, expanded. An endpoint may hold a code of its
            own, which overrides the scenario's.
        seed: one or several, 0 to 2^63 - 1.
        repetitions: loss patterns per cell, >= 1, or the precision that decides it.
        score_every: frame metrics score every so many frames, from the first.
        metrics: names with options.
        reference: published points.
        require: metrics without which the sweep does not begin.
    """

    name: str
    description: str = ""
    seed: tuple[Annotated[int, Field(ge=0, le=MAX_SEED)], ...] = (1,)
    repetitions: Annotated[
        Annotated[Count, Tag(KINDS_OF_REPETITIONS[0])] | Annotated[Precision, Tag(KINDS_OF_REPETITIONS[1])],
        Discriminator(_kind),
    ] = 1
    clip: tuple[ClipParams, ...]
    endpoint: tuple[Way, ...]
    code: tuple[Code, ...]
    channel: tuple[Channel, ...]
    path: tuple[PathParams, ...]
    call: tuple[CallParams | None, ...] = (None,)
    metrics: tuple[Metric, ...]
    require: tuple[str, ...] = ()
    score_every: tuple[Annotated[int, Field(ge=1)], ...] = (1,)
    plot: PlotParams = PlotParams()
    report: ReportParams = ReportParams()
    reference: tuple[Reference, ...] = ()
    _origin: tuple[Data, Path] = PrivateAttr(default=({}, Path()))

    @property
    def origin(self) -> tuple[Data, Path]:
        """The data that the scenario was made from, and the folder that relative paths start from."""
        return self._origin

    def ways(self) -> list[tuple[BaseModel, CodeParams]]:
        """Every endpoint with every code that it is sent with."""
        every = [
            (way.endpoint, code)
            for way in self.endpoint
            for code in ([way.code] if way.code is not None else self.code)
        ]
        return list(distinct(every, lambda one: (one[0].model_dump_json(), one[1].make())))

    @property
    def precision(self) -> Precision | None:
        """What decides the number of repetitions; None where the scenario gives it."""
        return self.repetitions if isinstance(self.repetitions, Precision) else None

    @property
    def fewest_repetitions(self) -> int:
        """Repetitions that every cell has."""
        return self.repetitions.at_least if isinstance(self.repetitions, Precision) else self.repetitions

    def cells(self) -> Iterator[Cell]:
        """Every cell that the sweep may have, once, repetitions innermost.

        An endpoint is sent over the channels that carry what it sends, symbols or packets.
        """
        repetitions = (
            self.repetitions.at_most if isinstance(self.repetitions, Precision) else self.repetitions
        )
        found: set[str] = set()
        outer = itertools.product(
            self.clip, self.ways(), self.channel, self.path, self.call, self.score_every, self.seed
        )
        for clip, (endpoint, code), channel, path, call, every, seed in outer:
            if sends_symbols(name_of(endpoint)) != (channel.physical() is not None):
                continue
            for repetition in range(repetitions):
                cell = Cell.model_construct(
                    clip=clip,
                    endpoint=endpoint,
                    code=code,
                    channel=channel,
                    path=path,
                    call=call,
                    score_every=every,
                    repetition=repetition,
                    seed=seed,
                )
                if cell.id not in found:
                    found.add(cell.id)
                    yield cell

    def samples(self) -> Iterator[Cell]:
        """Cells in which every clip, endpoint with its code, channel, path and call stands once; not every cell."""
        ways = list(self.ways())
        for number in range(max(map(len, (self.clip, ways, self.channel, self.path, self.call)))):
            endpoint, code = _at(ways, number)
            clip, channel, path = _at(self.clip, number), _at(self.channel, number), _at(self.path, number)
            yield Cell.model_construct(
                clip=clip,
                endpoint=endpoint,
                code=code,
                channel=channel,
                path=path,
                call=_at(self.call, number),
                score_every=self.score_every[0],
                repetition=0,
                seed=self.seed[0],
            )

    def public(self) -> Data:
        """The scenario as data without this machine's folders, for the manifest."""
        data = self.model_dump(mode="json")
        data["clip"] = [_bare(clip.model_dump(mode="json")) for clip in self.clip]
        data["endpoint"] = [
            _bare(way.endpoint.model_dump(mode="json"))
            | ({} if way.code is None else {"code": way.code.model_dump(mode="json")})
            for way in self.endpoint
        ]
        data["code"] = unique(data["code"])
        if self.call == (None,):
            del data["call"]
        return data

    def changes(self) -> Data:
        """What of each axis differs from the defaults, for people: part to one mapping per value."""
        parts: dict[str, tuple[BaseModel, ...]] = {
            "clip": self.clip,
            "endpoint": tuple(way.endpoint for way in self.endpoint),
            "code": self.code,
            "channel": self.channel,
            "path": self.path,
        }
        if self.call != (None,):
            parts["call"] = tuple(one for one in self.call if one is not None)
        found = {name: [differences(value) for value in values] for name, values in parts.items()}
        for shown, way in zip(found["endpoint"], self.endpoint, strict=True):
            if way.code is not None:
                shown["code"] = differences(way.code)
        return found


def _bare(value: Any) -> Any:
    """A value with absolute paths reduced to their names."""
    if isinstance(value, dict):
        return {key: _bare(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_bare(member) for member in value]
    if isinstance(value, str) and Path(value).is_absolute():
        return Path(value).name
    return value


def _at(values: Sequence[T], number: int) -> T:
    """A member, or the last one beyond the end."""
    return values[min(number, len(values) - 1)]
