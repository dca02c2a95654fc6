"""Lists in a scenario are axes of the sweep: their expansion, and numbers as people write them."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

SEQUENCE = "elements"
"""The key whose list is no axis: the path elements that packets pass one after another."""
T = TypeVar("T")
_PERCENT = re.compile(r"\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*%\s*")
_QUOTIENT = re.compile(r"\s*(\d+)\s*/\s*(\d+)\s*")


def expand(value: Any) -> list[Any]:
    """All values of an axis: a list is the union of its members, a mapping the product of its values.

    The list of `elements` of a channel is no axis; its members stay together.

    Equal values count once: a value that stood twice would count as two loss patterns.
    """
    return unique(_expand(value))


def unique(values: list[Any]) -> list[Any]:
    """The values in order, of equal ones the first; 1 and 1.0 are equal, 1 and true are not."""
    found: dict[str, Any] = {}
    for value in values:
        found.setdefault(_key(value), value)
    return list(found.values())


def distinct(values: Iterable[T], made: Callable[[T], Any]) -> tuple[T, ...]:
    """The values in order, of those that make equal things the first: an option may be given or be the default.

    Args:
        made: what is made of a value; things that cannot be hashed count as different.
    """
    found: dict[Any, T] = {}
    for value in values:
        thing = made(value)
        try:
            hash(thing)
        except TypeError:
            thing = id(value)
        found.setdefault(thing, value)
    return tuple(found.values())


def numbers(value: Any) -> Any:
    """The value with "2%" and "2/3", wherever they stand, as the numbers that they are; not what is above 100 %."""
    if isinstance(value, dict):
        return {
            key: member if key in ("name", "source") else numbers(member) for key, member in value.items()
        }
    if isinstance(value, list):
        return [numbers(member) for member in value]
    if isinstance(value, str):
        percent, quotient = _PERCENT.fullmatch(value), _QUOTIENT.fullmatch(value)
        if percent is not None:
            return float(percent[1]) / 100 if float(percent[1]) <= 100 else value
        if quotient is not None and int(quotient[2]):
            return int(quotient[1]) / int(quotient[2])
    return value


def infinite(value: Any, place: str = "") -> Iterator[str]:
    """Where infinite numbers and nan stand in a scenario."""
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{place}: {value} is not a finite number"
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, member in members:
        inner = place if isinstance(value, list) else f"{place}.{key}".strip(".")
        yield from infinite(member, inner)


def _expand(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [single for member in value for single in _expand(member)]
    if isinstance(value, dict):
        products = itertools.product(
            *(_sequences(member) if key == SEQUENCE else _expand(member) for key, member in value.items())
        )
        return [dict(zip(value, product, strict=True)) for product in products]
    return [value]


def _sequences(value: Any) -> list[Any]:
    """All forms of a sequence: its members stay together, and each may hold axes."""
    if not isinstance(value, list):
        return [value]
    return [list(members) for members in itertools.product(*map(_expand, value))]


def _key(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_key(member)}" for key, member in sorted(value.items())) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_key, value)) + "]"
    if isinstance(value, float) and value.is_integer():
        return repr(int(value))
    return repr(value)
