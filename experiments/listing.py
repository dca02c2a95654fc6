"""What is registered, and the options of each thing: `lossweep list`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from lossweep.channels.channel import CHANNELS
from lossweep.channels.errors import PluginError, UnknownName
from lossweep.channels.physical import PHYSICAL
from lossweep.channels.registry import Registry, unknown
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.endpoints.fec.code import CODES
from lossweep.experiments.metrics.metric import METRICS
from lossweep.experiments.scenario_file import ready_made
from lossweep.experiments.yaml_reader import read_yaml

REGISTRIES = (ENDPOINTS, CODES, CHANNELS, PHYSICAL, METRICS)


def overview() -> str:
    """All names, one line each."""
    lines = []
    for registry in REGISTRIES:
        lines.append(f"{registry.kind}s")
        lines += [f"  {name:<20} {registry.line(name)}" for name in registry.names()]
    lines.append("scenarios")
    for name, path in ready_made().items():
        data = read_yaml(path.read_text(encoding="utf-8"), name)
        lines.append(f"  {name:<20} {data.get('description', '')}")
    return "\n".join(lines)


def describe(name: str) -> str:
    """What a registered name is: its documentation, who registered it, options with defaults, ranges and units.

    Raises:
        UnknownName: nothing has that name; the nearest is named.
    """
    found = [registry for registry in REGISTRIES if name in registry.names()]
    if not found and name in ready_made():
        raise UnknownName(f"{name} is a ready-made scenario; print it with: lossweep show {name}")
    if not found:
        known = [known for registry in REGISTRIES for known in registry.names()]
        raise UnknownName(unknown("endpoint, code, channel or metric", name, known))
    return "\n\n".join(_describe(registry, name) for registry in found)


def _describe(registry: Registry, name: str) -> str:
    head = f"{registry.kind} {name} ({registry.origin(name)})"
    try:
        kind = registry.get(name)
    except PluginError as error:
        return f"{head}\n  absent: {error}"
    documentation = inspect.cleandoc(kind.__doc__ or "")
    options = [*_options(kind)]
    lines = [head, *(f"  {line}".rstrip() for line in documentation.split("\n")), ""]
    lines += ["  options:", *(f"    {line}" for line in options)] if options else ["  no options"]
    columns = getattr(kind, "columns", ())
    if registry is METRICS and columns:
        lines.append(f"  columns: {', '.join(columns)}")
    return "\n".join(lines)


def _options(kind: Any) -> Iterator[str]:
    model = getattr(kind, "Params", None)
    if isinstance(model, type) and issubclass(model, BaseModel):
        texts = _documented(model)
        for option, field in model.model_fields.items():
            if option != "name":
                limits = ", ".join(_limit(one) for one in field.metadata if _limit(one))
                default = "required" if field.default is PydanticUndefined else f"default {field.default!r}"
                yield _line(option, default, limits, texts.get(option, ""))
        return
    texts = _documented(kind)
    made = getattr(kind, "from_params", None)
    makers = [
        getattr(kind, "from_burst", None),
        kind.__init__ if made is None or kind.__init__ is not object.__init__ else None,
    ]
    seen = set()
    for number, maker in enumerate(makers):
        if maker is None:
            continue
        if makers[0] is not None:
            yield ("either", "or")[number]
        texts |= _documented(maker)
        for option, parameter in inspect.signature(maker).parameters.items():
            plain = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
            if plain and option not in ("self", "cls", "device") and option not in seen:
                seen.add(option)
                default = (
                    "required" if parameter.default is parameter.empty else f"default {parameter.default!r}"
                )
                yield _line(option, default, "", texts.get(option, ""))


def _line(option: str, default: str, limits: str, text: str) -> str:
    facts = ", ".join(fact for fact in (default, limits) if fact)
    return f"{option} ({facts}): {text}" if text else f"{option} ({facts})"


def _limit(constraint: Any) -> str:
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "multiple_of": "a multiple of"}
    return ", ".join(
        f"{sign} {getattr(constraint, key)}" for key, sign in signs.items() if hasattr(constraint, key)
    )


def _documented(kind: Any) -> dict[str, str]:
    """The options that a docstring explains under "Attributes:" or "Args:", each as one line."""
    text = inspect.cleandoc(kind.__doc__ or "")
    found: dict[str, str] = {}
    for section in re.findall(r"^(?:Attributes|Args):\n((?:[ ]+.*\n?|\n)*)", text, re.M):
        name = ""
        for line in section.split("\n"):
            start = re.match(r"    ([\w, ]+?): (.*)", line) if not line.startswith("     ") else None
            if start is not None:
                name = start[1]
                for one in name.split(", "):
                    found[one] = start[2]
            elif name and line.strip():
                for one in name.split(", "):
                    found[one] += f" {line.strip()}"
    return found
