"""Mistakes that pydantic found, in one line each."""

from __future__ import annotations

from typing import get_args

from pydantic import BaseModel, ValidationError

from lossweep.channels.registry import unknown
from lossweep.experiments.precision import Precision
from lossweep.experiments.scenario import KINDS_OF_REPETITIONS, PlotParams, ReportParams

KINDS = {
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "string_type": "text",
}
"""What a value of the wrong kind should be, in the words of YAML."""
INNER = ("function-", "constrained-", "literal[")
"""What pydantic puts into a place for the alternatives of a value."""


def lines_of(error: ValidationError, model: type[BaseModel] | None, part: str) -> list[str]:
    """One line for each mistake: its place, what is wrong, and the nearest known option.

    Args:
        model: that was validated; None where it is not known.
        part: of the scenario, where the place begins.
    """
    lines: list[str] = []
    for problem in error.errors():
        at = [str(one) for one in problem["loc"]]
        at = [
            one
            for one in at
            if not one.startswith(INNER) and one not in (*KINDS_OF_REPETITIONS, "int", "float", "str")
        ]
        place = ".".join([part, *at]).strip(".")
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            known = _fields(model, problem["loc"])
            key = str(problem["loc"][-1])
            message = unknown("key", key, known) if known else f"unknown key {key!r}"
        elif problem["type"] in KINDS:
            message = f"it must be {KINDS[problem['type']]}, not {problem['input']!r}"
        elif problem["type"] not in ("missing", "value_error"):
            message += f", not {problem['input']!r}"
        if lines and len(at) < len(problem["loc"]) and lines[-1].startswith(f"{place}: Input should be "):
            before = lines.pop().rpartition(", not ")[0]  # another alternative of the same value
            message = f"{before.removeprefix(f'{place}: ')}, or {message.removeprefix('Input should be ')}"
        lines.append(f"{place}: {message}")
    return lines


def _fields(model: type[BaseModel] | None, place: tuple[int | str, ...]) -> list[str]:
    """The options of the model at a place inside a model."""
    inner: dict[str, type[BaseModel]] = {"plot": PlotParams, "report": ReportParams, "repetitions": Precision}
    for key in [key for key in place[:-1] if key not in KINDS_OF_REPETITIONS]:
        if model is None or str(key) not in model.model_fields:
            return []
        annotation = model.model_fields[str(key)].annotation
        kinds = [annotation, *get_args(annotation)]  # of `Model | None`
        model = inner.get(str(key)) or next(
            (k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None
        )
    return [name for name in model.model_fields if name != "name"] if model is not None else []
