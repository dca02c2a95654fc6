"""One cell of a sweep: everything that determines one row of the table."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from lossweep.channels.content import file_hash
from lossweep.endpoints.clip import ClipError
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.endpoints.system_part import Part
from lossweep.experiments.call_params import CallParams
from lossweep.experiments.parts import (
    Channel,
    ChannelParams,
    ClipParams,
    Code,
    CodeParams,
    EndpointParams,
    Named,
    PathParams,
    Strict,
    endpoint_params,
    sends_symbols,
)

MAX_SEED = 2**63 - 1
Data = dict[str, Any]
"""A model as JSON data, for a hash or a file."""


class Cell(Strict):
    """A clip through an endpoint, a packet code and a network; it and the versions determine its row.

    Attributes:
        clip, endpoint, code, channel, path: see `lossweep.experiments.parts`.
        call: mechanisms that react to the network; None where nothing does.
        score_every: frame metrics score every so many frames, from the first.
        repetition: number of the loss pattern, >= 0.
        seed: of the scenario, 0 to 2^63 - 1.
    """

    clip: ClipParams
    endpoint: EndpointParams
    code: Code
    channel: Channel
    path: PathParams = PathParams()
    call: CallParams | None = None
    score_every: int = Field(1, ge=1)
    repetition: int = Field(0, ge=0)
    seed: int = Field(1, ge=0, le=MAX_SEED)

    @cached_property
    def id(self) -> str:
        """The cell's name: a hash of what differs from the defaults, and of the content of the files it names.

        Folders do not count, only names and content; a new option with a default changes no id.

        Raises:
            ClipError: a file that cannot be read.
        """
        parts = [digest(part) for part in (self.clip, self.endpoint, self.code, self.channel, self.path)]
        if self.call is not None:
            parts.append(digest(self.call))
        text = json.dumps([*parts, self.score_every, self.repetition, self.seed])
        return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()

    @cached_property
    def group_key(self) -> str:
        """Cells of one group share clip and endpoint, hence encodings, decoded blocks and scores.

        Systems that differ only by the receiver's voice show the same pictures: they are one group.
        """
        sent = {key: value for key, value in self.endpoint.model_dump().items() if key != "voice"}
        return json.dumps([self.clip.model_dump(), sent], sort_keys=True, default=str)

    @cached_property
    def network_key(self) -> str:
        """Cells with equal keys have the same network."""
        parts = [digest(part) for part in (self.code, self.channel, self.path, self.call) if part is not None]
        return json.dumps([*parts, self.repetition, self.seed])

    @cached_property
    def point_key(self) -> str:
        """Cells with equal keys differ only by clip and repetition: one point of a curve."""
        parts = [digest(part) for part in (self.endpoint, self.code, self.channel, self.path)]
        call = "" if self.call is None else digest(self.call)
        return json.dumps([*parts, call, self.score_every, self.seed])

    @property
    def endpoint_name(self) -> str:
        """The name that the endpoint is registered under."""
        return name_of(self.endpoint)

    def says_words(self) -> bool:
        """Whether the endpoint sends words, alone or as a part of a system."""
        sends: str = ENDPOINTS.get(self.endpoint_name).sends
        return sends == "words" or getattr(self.endpoint, "words", None) is not None

    def parameters(self) -> Data:
        """All parameters as data; without `call` where nothing reacts."""
        data = self.model_dump()
        if self.call is None:
            del data["call"]
        elif self.call.reverse is not None:
            data["call"]["reverse"] = self.call.reverse.settings()
        return data

    def carries_symbols(self) -> bool:
        """Whether the endpoint sends symbols over a physical channel, and no packets."""
        return sends_symbols(self.endpoint_name)

    def needs_square(self) -> bool:
        """Whether the endpoint, alone or as a part of a system, takes square pictures of one size only."""
        return needed_side(self.endpoint) is not None


def name_of(endpoint: BaseModel) -> str:
    """The registered name in an endpoint's options."""
    name: str = endpoint.name  # type: ignore[attr-defined]
    return name


def needed_side(endpoint: BaseModel) -> int | None:
    """Width and height of the square pictures that an endpoint, alone or as a part of a system, takes; None: any."""
    video = getattr(endpoint, "video", None)
    name = name_of(video.options if isinstance(video, Part) else endpoint)
    side: int | None = getattr(ENDPOINTS.get(name), "needs_side", None)
    return side


_digests: dict[int, tuple[BaseModel, str]] = {}


def digest(part: BaseModel) -> str:
    """Hash of a part's differences from the defaults and of its files. Equal parts have equal hashes.

    Raises:
        ClipError: a file that cannot be read.
    """
    kept = _digests.get(id(part))
    if kept is None:
        text = json.dumps([differences(part), contents(part)], sort_keys=True)
        kept = (part, hashlib.blake2b(text.encode(), digest_size=16).hexdigest())
        _digests[id(part)] = kept  # the part is held, so its id stays its own
    return kept[1]


def differences(value: Any) -> Any:
    """What of a model, or of models inside it, differs from the defaults; names always stay; paths lose folders."""
    if isinstance(value, ClipParams):
        changed = _changed(value)
        paths = ("source", "recognizer")
        return {k: Path(v).name if k in paths and isinstance(v, str) else v for k, v in changed.items()}
    if isinstance(value, Named):
        options = {k: Path(str(v)).name if k == "file" else differences(v) for k, v in value.options.items()}
        inner = [differences(one) for one in getattr(value, "elements", ())]
        return {"name": value.name} | options | ({"elements": inner} if inner else {})
    if isinstance(value, BaseModel):
        return _changed(value)
    if isinstance(value, Part):
        return differences(value.as_mapping())
    if isinstance(value, dict) and value.get("name") in ENDPOINTS.names():  # an endpoint inside a system
        own = {key: differences(v) for key, v in value.items() if key == "code"}
        rest = {key: v for key, v in value.items() if key != "code"}
        return differences(endpoint_params(rest)) | own
    if isinstance(value, dict):
        return {key: differences(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [differences(v) for v in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def contents(part: BaseModel) -> list[str]:
    """Name and content hash of each file that a part names by the hook `files()`, its own or of what it makes."""
    hooks: list[Any] = [part]
    if isinstance(part, CodeParams):
        hooks.append(part.make())
    if isinstance(part, CallParams) and part.reverse is not None:
        part = part.reverse
    if isinstance(part, ChannelParams) and part.physical() is None:
        hooks += part.make().elements
    found: list[str] = []
    for hook in hooks:
        paths: Iterable[Path] = getattr(hook, "files", tuple)()
        for path in map(Path, paths):
            try:
                found.append(f"{path.name} {file_hash(path)}")
            except OSError as error:
                raise ClipError(f"{path}: cannot be read ({error.strerror})") from None
    return sorted(found)


def _changed(model: BaseModel) -> Data:
    changed = {}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if name in ("name", "source") or value != field.get_default(call_default_factory=True):
            changed[name] = differences(value)
    return changed
