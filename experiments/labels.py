"""Names of systems for people: `H.264 + RS 1/2`, `SyncSC, PacSC-S 1/2`; from the registries' titles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass, replace
from fractions import Fraction
from typing import Any

from lossweep.channels.registry import UnknownName
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.endpoints.fec.code import CODES
from lossweep.endpoints.tts.synthesizer import SYNTHESIZERS
from lossweep.experiments.column import PARTS

NO_CODE: Mapping[str, Any] = {"name": "none"}
RATE = re.compile(r" (\d+/\d+|0?\.\d+)(?= |$)")
"""The code rate in the name of a code."""


@dataclass(frozen=True)
class Label:
    """A system's name for people.

    Attributes:
        system: what is sent: "H.264", "SyncSC, text, visual-guided voice".
        code: what protects it: "RS 1/2", "PacSC-S 1/2"; "" where nothing does.
        joint: what stands between the two.
    """

    system: str
    code: str = ""
    joint: str = " + "

    def __str__(self) -> str:
        return f"{self.system}{self.joint}{self.code}" if self.code else self.system

    @property
    def rate(self) -> str:
        """The code rate as the name has it: "1/2"; "" where it has none."""
        found = RATE.search(self.code)
        return found[1] if found else ""

    @property
    def family(self) -> str:
        """The code without its rate and options: "RS"."""
        return RATE.sub("", self.code).partition(" (")[0]

    @property
    def without_rate(self) -> Label:
        """The name without the code rate: "H.264 + RS"."""
        return replace(self, code=RATE.sub("", self.code, count=1))


def label(endpoint: Mapping[str, Any], code: Mapping[str, Any]) -> Label:
    """The name of an endpoint of a cell with a packet code of a cell; unregistered ones keep their identifiers."""
    own = endpoint.get("code") or code
    parts = {part: _named(endpoint[part]) for part in PARTS if endpoint.get(part)}
    if not parts:
        return Label(_title(ENDPOINTS, endpoint["name"]), *_code(own))
    voice = parts.pop("voice", None)
    inner = [
        str(Label(_title(ENDPOINTS, p["name"]), *_code(p.get("code") or NO_CODE))) for p in parts.values()
    ]
    if voice is not None:
        inner.append(_title(SYNTHESIZERS, voice["name"]))
    name = ("; " if any(" + " in one or ", " in one for one in inner) else ", ").join(inner)
    return Label(name) if all(p.get("code") for p in parts.values()) else Label(name, *_code(own))


def labels(cells: Iterable[Any], identifiers: Iterable[str]) -> dict[str, dict[str, str]]:
    """The label of each identifier in the column `endpoint`, as a manifest keeps them under `labels`.

    Args:
        cells, identifiers: of the same length: a cell (mapping) and the identifier that its row has.
    """
    return {
        name: asdict(label(cell["endpoint"], cell["code"]))
        for cell, name in zip(cells, identifiers, strict=True)
    }


def read_labels(manifest: Mapping[str, Any]) -> dict[str, Label]:
    """Labels by identifier: the manifest's own, or made from its scenario where it has none."""
    if "labels" in manifest:
        return {name: Label(**said) for name, said in manifest["labels"].items()}
    return {name: label(endpoint, code) for name, endpoint, code in identified(manifest["scenario"])}


def identified(scenario: Mapping[str, Any]) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every endpoint of a scenario with its code, and its identifier; those that cannot be made are left out."""
    found = []
    for endpoint, code in ways(scenario):
        try:
            family = CODES.get(code["name"]).from_params(**{k: v for k, v in code.items() if k != "name"})
            kind = ENDPOINTS.get(endpoint["name"])
            found.append((kind(kind.Params.model_validate(endpoint), family).label, endpoint, code))
        except (ValueError, RuntimeError):  # of another version, or of a plug-in that is not here
            continue
    return found


def ways(scenario: Mapping[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every endpoint of a scenario as a manifest keeps it, with every code that it is sent with."""
    from lossweep.experiments.axes import expand

    found = []
    for endpoint in map(_named, expand(scenario["endpoint"])):
        codes = [endpoint["code"]] if endpoint.get("code") else expand(scenario.get("code") or [NO_CODE])
        alone = {key: value for key, value in endpoint.items() if key != "code"}
        found += [(alone, _named(code)) for code in codes]
    return found


def _named(value: Any) -> dict[str, Any]:
    return {"name": value} if isinstance(value, str) else dict(value)


def _title(registry: Any, name: str) -> str:
    try:
        return getattr(registry.get(name), "title", "") or name
    except (UnknownName, ImportError):
        return name


def _fraction(rate: float) -> str:
    """A code rate as people write it: "2/3", or "0.67" where no fraction of small numbers is equal to it."""
    near = Fraction(rate).limit_denominator(20)
    return str(near) if abs(near - rate) < 1e-6 else f"{rate:g}"


def _code(value: Any) -> tuple[str, str]:
    """Title of a code with its rate and other options, and what stands before it."""
    code = _named(value)
    try:
        family = CODES.get(code["name"])
    except (UnknownName, ImportError):
        return code["name"], " + "
    title = getattr(family, "title", family.name)
    rate = code.get("code_rate")
    fraction = f" {_fraction(rate)}" if rate is not None else ""
    usual = {one.name: one.default for one in fields(family)} if is_dataclass(family) else {}
    options = [
        value if isinstance(value, str) else f"{option.replace('_', ' ')} {value}"
        for option, value in code.items()
        if option not in ("name", "code_rate") and value != usual.get(option, MISSING)
    ]
    more = f" ({', '.join(options)})" if options else ""
    return (f"{title}{fraction}{more}" if title else "", ", " if _is_part(family) else " + ")


def inside_payload(name: str) -> bool:
    """Whether a code works inside the payload of one endpoint, so that no repair packets are sent."""
    try:
        return _is_part(CODES.get(name))
    except (UnknownName, ImportError):
        return False


def _is_part(family: Any) -> bool:
    """Whether a code belongs to one endpoint, as PacSC does to SyncSC, and is not put on top of it."""
    return getattr(family, "protects", "packets") != "packets" or bool(getattr(family, "endpoints", ()))
