"""One endpoint of a system: its options in a scenario, and its session at the receiver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, cast, get_type_hints

from pydantic import (
    BaseModel,
    InstanceOf,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    ValidationInfo,
)

from lossweep.channels.registry import unknown
from lossweep.endpoints.endpoint import ENDPOINTS, Endpoint
from lossweep.endpoints.fec.code import CODES, CodeFamily
from lossweep.endpoints.session import Session, from_json, to_json


@dataclass(frozen=True)
class Part:
    """An endpoint in a system.

    Attributes:
        options: of the endpoint's `Params`.
        code: its own packet code; None for that of the system.
    """

    options: BaseModel
    code: CodeFamily | None = None

    def endpoint(self, code: CodeFamily, device: str) -> Endpoint:
        """The sender, with `code` where it has none of its own."""
        found = ENDPOINTS.get(self.options.name)  # type: ignore[attr-defined]
        return cast(Endpoint, found(self.options, self.code or code, device))

    def as_mapping(self) -> dict[str, Any]:
        """As a scenario names it."""
        own = {} if self.code is None else {"code": _code_mapping(self.code)}
        return self.options.model_dump() | own


PartParams = Annotated[InstanceOf[Part], PlainSerializer(Part.as_mapping)]
"""A `Part` as a field of a pydantic model; dumped as a scenario names it."""


def part_of(value: object, sends: str) -> Part | None:
    """The part that a scenario names: a name, or a mapping with options and perhaps a code of its own.

    Args:
        sends: what it must send.
    Raises:
        ValueError: what is wrong with it.
    """
    if value is None or isinstance(value, Part):
        return value
    if not isinstance(value, str | Mapping):
        raise ValueError(f"{value!r} names no endpoint")
    options = {"name": value} if isinstance(value, str) else dict(value)
    code = code_of(options.pop("code")) if "code" in options else None
    found = ENDPOINTS.get(options.get("name", ""))
    if found.sends != sends:
        raise ValueError(f"endpoint {options['name']} sends {found.sends}, not {sends}")
    try:
        return Part(found.Params.model_validate(options), code)
    except ValidationError as error:
        raise ValueError("; ".join(_problems(error, found.Params))) from None


def _problems(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One phrase for each wrong option of a part, with the nearest known one."""
    options = [name for name in model.model_fields if name != "name"]
    phrases = []
    for problem in error.errors():
        place = ".".join(map(str, problem["loc"]))
        if problem["type"] == "extra_forbidden" and len(problem["loc"]) == 1:
            phrases.append(unknown("key", place, options))
        else:
            phrases.append(f"{place}: {problem['msg'].removeprefix('Value error, ')}".removeprefix(": "))
    return phrases


def code_of(value: str | Mapping[str, Any]) -> CodeFamily:
    """The packet code that a scenario names.

    Raises:
        ValueError: no such code, or wrong parameters of it.
    """
    options = {"name": value} if isinstance(value, str) else dict(value)
    return cast(CodeFamily, CODES.get(options.pop("name", "")).from_params(**options))


def _code_mapping(code: CodeFamily) -> dict[str, Any]:
    """As a scenario names it, without what has its default: a new option leaves the cells of before as they were."""
    usual = {one.name: one.default for one in fields(code)}  # type: ignore[arg-type]
    parameters = code.parameters()
    return {"name": parameters.code} | {k: v for k, v in parameters.options if v != usual.get(k, MISSING)}


def _session(value: object, info: ValidationInfo) -> object:
    """A part's session from JSON text; its type is the one that the endpoint's `decode` takes."""
    if not isinstance(value, str):
        return value
    endpoint = ENDPOINTS.get(info.data.get("endpoint", ""))
    return from_json(value, get_type_hints(endpoint.decode)["session"])


@dataclass(frozen=True)
class PartSession:
    """What the receiver of one part knows beforehand.

    Attributes:
        part: "video", "speech" or "words".
        endpoint: registered name.
        session: of that endpoint.
    """

    part: str
    endpoint: str
    session: Annotated[Session, PlainValidator(_session), PlainSerializer(to_json)]
