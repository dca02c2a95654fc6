"""Names of the things that plug in, and where their code is."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lossweep.channels.content import file_hash, folder_hash
from lossweep.channels.errors import LossweepError, PluginError, UnknownName

__all__ = ["PluginError", "Registry", "UnknownName", "did_you_mean", "unknown"]

ALIKE = 1.2
"""From 0 (nothing in common) to 2 (equal): from here on a name may be another one with a mistake."""
MOST_LISTED = 40


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
        self.group = group
        self._own = entries

    @cached_property
    def _plugins(self) -> dict[str, EntryPoint]:
        return {e.name: e for e in entry_points(group=self.group) if e.name not in self._own}

    @cached_property
    def _targets(self) -> dict[str, str]:
        return {name: plugin.value for name, plugin in self._plugins.items()} | self._own

    def register(self, entries: dict[str, str]) -> None:
        """Adds names from elsewhere in this project, name -> "module:attribute"; nothing is imported."""
        self._own = {**self._own, **entries}
        for cached in ("_plugins", "_targets"):
            self.__dict__.pop(cached, None)

    def names(self) -> list[str]:
        """All names: third parties' first, then this project's, each in the order of registration."""
        return list(self._targets)

    def check(self, name: object) -> None:
        """Refuses a name that is not registered; nothing is imported.

        Raises:
            UnknownName: no such name; the message gives the nearest one.
        """
        if not isinstance(name, str) or name not in self._targets:
            raise UnknownName(unknown(self.kind, name, self._targets))

    def get(self, name: str) -> Any:
        """The object behind `name`.

        Raises:
            UnknownName: no such name; the message gives the nearest one.
            PluginError: a third party's code that cannot be imported; one line that names it.
        """
        self.check(name)
        module, _, attribute = self._targets[name].partition(":")
        try:
            return getattr(import_module(module), attribute)
        except LossweepError:
            raise
        except Exception as error:
            if name in self._own:
                raise
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise PluginError(
                f"{self.kind} {name!r} of {self.origin(name)} cannot be imported ({reason}); "
                "repair or uninstall that package"
            ) from error

    def line(self, name: str) -> str:
        """The first line of the documentation of `name`, or one line that says why it cannot be imported."""
        try:
            return (self.get(name).__doc__ or "").strip().split("\n")[0]
        except PluginError as error:
            return f"(absent) {error}"

    def origin(self, name: str) -> str:
        """Who registered `name`: "lossweep", or the third party's distribution and version."""
        if name in self._own:
            return "lossweep"
        found = self._plugins[name].dist
        return f"{found.name} {found.version}" if found is not None else self._plugins[name].value

    def plugin_hash(self, name: str) -> str:
        """Content hash of a third party's code: of its package, or of its module alone; "" for lossweep's own."""
        if name in self._own or name not in self._plugins:
            return ""
        top = self._plugins[name].value.partition(":")[0].partition(".")[0]
        try:
            found = find_spec(top)
            if found is None or found.origin is None:
                return ""
            path = Path(found.origin)
            return folder_hash(path.parent) if path.name == "__init__.py" else file_hash(path)
        except (ImportError, OSError, ValueError):
            return ""


def unknown(kind: str, name: object, known: Iterable[object]) -> str:
    """One line that names an unknown thing, the known one that it may be, and all known ones where they are few."""
    names = list(map(str, known))
    few = len(names) <= MOST_LISTED
    listed = f"known: {', '.join(names) or 'none'}" if few else f"{len(names)} names are known"
    return f"unknown {kind} {name!r}{did_you_mean(name, names)} ({listed})"


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """The known name that is most like `name`, as a question: "; did you mean 'h264'?"; "" where none is like it."""
    wanted = str(name)
    alike = {k: _alike(wanted, k) + _alike(sorted(wanted), sorted(k)) for k in map(str, known)}
    best = max(alike, key=lambda k: alike[k], default="")
    return f"; did you mean {best!r}?" if alike.get(best, 0.0) >= ALIKE else ""


def _alike(a: Sequence[str], b: Sequence[str]) -> float:
    return difflib.SequenceMatcher(None, a, b).ratio()
