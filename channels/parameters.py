"""Checks of the parameters that a scenario gives."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import MISSING, fields
from typing import Any

import numpy as np

HIGHEST_DB = 100.0


def is_number(value: Any) -> bool:
    """Whether the value is a number and no boolean."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def check_fraction(name: str, value: Any) -> None:
    """Refuses what is no number in [0, 1].

    Raises:
        ValueError: naming the parameter and the range.
    """
    if not is_number(value) or not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} is {value!r}; it must be a number in [0, 1]")


def check_not_negative(name: str, value: Any, unit: str) -> None:
    """Refuses what is no finite number, 0 or more.

    Raises:
        ValueError: naming the parameter, its unit and the range.
    """
    if not is_number(value) or not 0.0 <= value < float("inf"):
        raise ValueError(f"{name} is {value!r}; it must be a finite number of {unit}, 0 or more")


def check_positive(name: str, value: Any, unit: str) -> None:
    """Refuses what is no finite number above 0.

    Raises:
        ValueError: naming the parameter, its unit and the range.
    """
    if not is_number(value) or not 0.0 < value < float("inf"):
        raise ValueError(f"{name} is {value!r}; it must be a finite number of {unit}, more than 0")


def check_db(name: str, value: Any) -> None:
    """Refuses what is no number of dB from -100 to 100.

    Raises:
        ValueError: naming the parameter and the range.
    """
    if not is_number(value) or not abs(value) <= HIGHEST_DB:
        raise ValueError(f"{name} is {value!r}; it must be a number of dB in -100 to 100")


def check_names(
    model: str, given: dict[str, Any], required: Set[str], optional: Set[str] = frozenset()
) -> None:
    """Refuses parameters that are unknown or missing.

    Raises:
        ValueError: one line with the parameters that the model takes.
    """
    wrong = [f"unknown {name!r}" for name in sorted(given.keys() - required - optional)]
    wrong += [f"missing {name!r}" for name in sorted(required - given.keys())]
    if wrong:
        takes = ", ".join(sorted(required) + [f"[{name}]" for name in sorted(optional)])
        raise ValueError(f"{model}: {', '.join(wrong)} (parameters: {takes or 'none'})")


def check_fields(model: str, parameters: type, given: dict[str, Any]) -> None:
    """Refuses parameters that a dataclass does not take, and such as it misses.

    Raises:
        ValueError: one line with the parameters that the model takes.
    """
    own = [field for field in fields(parameters) if field.init]
    required = {field.name for field in own if field.default is MISSING}
    check_names(model, given, required, {field.name for field in own} - required)
