"""Scenarios as files: finding, reading, and changing values from the command line."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from lossweep.channels.registry import unknown
from lossweep.experiments.check import check
from lossweep.experiments.clips.source import BUILT_IN
from lossweep.experiments.errors import ScenarioError
from lossweep.experiments.scenario import Data, Scenario
from lossweep.experiments.yaml_reader import read_yaml

SHORT = {"clip": "source"}
"""`clip: portrait` is short for `clip: {source: portrait}`; of all other parts the short form is the name."""


def read(source: str | Path, overrides: Sequence[str] = ()) -> Scenario:
    """Reads and checks a scenario.

    Args:
        source: a YAML file, or the name of a scenario that ships with lossweep ("quickstart").
        overrides: "a.b=value" each, value in YAML; applied to every member where the file has a list.
    Raises:
        ScenarioError: no such scenario, not YAML, or anything in it that cannot run.
    """
    changes: dict[str, Any] = {}
    for override in overrides:
        keys, equals, value = override.partition("=")
        if not equals or not all(keys.split(".")):
            raise ScenarioError(f"--set {override!r} is not of the form a.b=value")
        changes[keys] = read_yaml(value, f"--set {override}")
    return load(source, changes)


def load(source: str | Path | Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> Scenario:
    """A scenario from a file, a ready-made name, or data, with some values changed, checked whole.

    Args:
        source: a YAML file, the name of a ready-made scenario, or the scenario itself as a mapping.
        changes: "a.b" to a new value, applied to every member where the scenario has a list.
    Raises:
        ScenarioError: no such scenario, not YAML, or anything in it that cannot run.
    """
    if isinstance(source, Mapping):
        data, folder = copy.deepcopy(dict(source)), Path.cwd()
    else:
        path = find(source)
        data, folder = read_yaml(_text(path), str(source)), path.parent
        if not isinstance(data, dict):
            raise ScenarioError(f"{source} holds no mapping; `lossweep show quickstart` prints one that does")
    return _changed(data, folder, changes or {})


def change(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """A scenario with some values changed, checked whole.

    Args:
        changes: see `load`.
    Raises:
        ScenarioError: the changed scenario cannot run.
    """
    data, folder = scenario.origin
    return _changed(copy.deepcopy(data), folder, changes)


def _changed(data: Data, folder: Path, changes: Mapping[str, Any]) -> Scenario:
    for keys, value in changes.items():
        if keys in ("clip", "clip.source"):
            value = _from_here(value, folder)
        _set(data, keys.split("."), copy.deepcopy(value), keys)
    return check(data, folder)


def find(source: str | Path) -> Path:
    """The file of a scenario: `source` itself, or the ready-made one of that name.

    Raises:
        ScenarioError: neither.
    """
    path = Path(source)
    if path.is_file():
        return path
    if str(source) in ready_made():
        return ready_made()[str(source)]
    if path.is_dir():
        raise ScenarioError(f"{source} is a folder; name a scenario file, or one of `lossweep list`")
    if path.suffix in (".yaml", ".yml"):
        raise ScenarioError(f"no such scenario file: {source}")
    raise ScenarioError(unknown("scenario", str(source), ready_made()))


def ready_made() -> dict[str, Path]:
    """The scenarios that ship with lossweep, by name."""
    folder = Path(str(resources.files("lossweep.experiments") / "scenarios"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file in UTF-8"
        raise ScenarioError(f"cannot read scenario {path}: {reason}") from None


def _from_here(value: Any, folder: Path) -> Any:
    """A clip named on the command line: in the current folder; in the scenario's, where it is only there."""
    if isinstance(value, list):
        return [_from_here(member, folder) for member in value]
    if isinstance(value, dict):
        return {k: _from_here(member, folder) if k == "source" else member for k, member in value.items()}
    if not isinstance(value, str) or value == BUILT_IN or "$" in value or value.startswith("~"):
        return value
    file = value.partition("#")[0] if ".tsv#" in value else value
    elsewhere = (folder / file).exists() and not Path(file).exists()
    return value if elsewhere else str(Path(value).absolute())


def _set(data: Any, keys: list[str], value: Any, change: str) -> None:
    if isinstance(data, list):
        for index, member in enumerate(data):
            if isinstance(member, str):
                data[index] = member = {"name": member}
            _set(member, keys, value, change)
        return
    if not isinstance(data, dict):
        raise ScenarioError(f"{change}: {keys[0]!r} is not inside a mapping")
    key, rest = keys[0], keys[1:]
    if not rest:
        data[key] = value
        return
    if isinstance(data.get(key), str):
        data[key] = {SHORT.get(key, "name"): data[key]}
    if key in SHORT and isinstance(data.get(key), list):
        data[key] = [{SHORT[key]: m} if isinstance(m, str) else m for m in data[key]]
    _set(data.setdefault(key, {}), rest, value, change)
