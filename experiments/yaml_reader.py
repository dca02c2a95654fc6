"""YAML as its version 1.2 has it: numbers such as 1e-3, no octal 010, no base-60 1:30, `yes` is a word.

PyYAML reads version 1.1. A key that stands twice in a mapping is refused, since one of the two values would be lost.
Aliases of aliases can stand for any number of values in a few lines; there is a limit on how many they add.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any, ClassVar

import yaml
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode, Node, ScalarNode

from lossweep.experiments.errors import ScenarioError

_BOOL = "tag:yaml.org,2002:bool"
_INT = "tag:yaml.org,2002:int"
_FLOAT = "tag:yaml.org,2002:float"
_NULL = "tag:yaml.org,2002:null"
_MERGE = "tag:yaml.org,2002:merge"
MOST_COPIES = 100_000
"""Values that the aliases of a text may add to those that are written in it."""


class _Loader(yaml.SafeLoader):
    """A safe loader with the core schema of YAML 1.2."""

    yaml_implicit_resolvers: ClassVar[dict[Any, Any]] = {}  # type: ignore[misc]

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == _MERGE:
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise ConstructorError(None, None, "a key that is no word or number", key_node.start_mark)
            if key in seen:
                raise ConstructorError(None, None, f"the key {key!r} stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _int(loader: _Loader, node: ScalarNode) -> int:
    text = loader.construct_scalar(node)
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text[2:] if base != 10 else text, base)


def _float(loader: _Loader, node: ScalarNode) -> float:
    text = loader.construct_scalar(node).lower()
    return float(text.replace(".inf", "inf").replace(".nan", "nan"))


for _tag, _pattern, _first in (
    (_NULL, r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    (_BOOL, r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    (_INT, r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        _FLOAT,
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+0123456789."),
    ),
    (_MERGE, r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})$"), _first)
_Loader.add_constructor(_INT, _int)
_Loader.add_constructor(_FLOAT, _float)


def read_yaml(text: str, name: str) -> Any:
    """The data of a YAML text.

    Args:
        text: one document.
        name: of the file or option, for messages.
    Raises:
        ScenarioError: not YAML, a key twice, a value inside itself, or aliases that add more than MOST_COPIES values;
            one line with the place.
    """
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None:
            return None
        sizes: dict[Node, int] = {}
        copies = _size(root, sizes) - len(sizes)
        data = loader.construct_document(root) if copies <= MOST_COPIES else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f", line {mark.line + 1}" if mark is not None else ""
        raise ScenarioError(f"{name}{place}: not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise ScenarioError(f"{name}: not YAML: {reason}") from None
    if copies > MOST_COPIES:
        raise ScenarioError(
            f"{name}: its aliases (*NAME) stand for more than {MOST_COPIES:,} further values; "
            "write the values that are needed"
        )
    return data


def _size(node: Node, sizes: dict[Node, int]) -> int:
    """Values in a node, those behind an alias once for each alias.

    Args:
        sizes: those that are known already; at the end one entry for each value that is written.
    Raises:
        ValueError: a node that holds itself.
    """
    if node not in sizes:
        sizes[node] = 0  # not yet known
        held = [] if isinstance(node, ScalarNode) else node.value
        parts = [part for one in held for part in (one if isinstance(one, tuple) else (one,))]
        sizes[node] = 1 + sum(_size(part, sizes) for part in parts)
    elif not sizes[node]:
        raise ValueError("a value holds itself")
    return sizes[node]
