"""Names of the things that plug in, and where their code is."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from lossweep.channels.errors import UnknownName


class Registry:
    """Maps a name to `"module:attribute"`, imported when it is asked for.

    Third parties add names through the Python entry-point group `group`; a name of this project wins.

    Args:
        kind: what is registered, in the singular, for messages ("endpoint").
        group: entry-point group ("lossweep.endpoints").
        entries: name -> "module:attribute".
    """

    def __init__(self, kind: str, group: str, entries: dict[str, str]) -> None:
        self.kind = kind
        self._targets = {e.name: e.value for e in entry_points(group=group)} | entries

    def register(self, entries: dict[str, str]) -> None:
        """Adds names from elsewhere in this project, name -> "module:attribute"; nothing is imported."""
        self._targets |= entries

    def names(self) -> list[str]:
        """All names, in the order of registration."""
        return list(self._targets)

    def get(self, name: str) -> Any:
        """The object behind `name`.

        Raises:
            UnknownName: no such name; the message gives the nearest one.
        """
        if name not in self._targets:
            raise UnknownName(unknown(self.kind, name, self._targets))
        module, _, attribute = self._targets[name].partition(":")
        return getattr(import_module(module), attribute)

    def line(self, name: str) -> str:
        """The first line of the documentation of `name`."""
        return (self.get(name).__doc__ or "").strip().split("\n")[0]


def unknown(kind: str, name: str, known: Any) -> str:
    """One line that names an unknown thing and the nearest known one."""
    near = max(map(str, known), key=lambda k: _alike(str(name), k) + _alike(sorted(str(name)), sorted(k)))
    return f"unknown {kind} {name!r}; did you mean {near!r}? (known: {', '.join(map(str, known))})"


def _alike(a: Sequence[str], b: Sequence[str]) -> float:
    return difflib.SequenceMatcher(None, a, b).ratio()
