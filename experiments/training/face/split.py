"""Whose pictures train the networks, and whose are kept back to measure them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from lossweep.channels.errors import TrainingDataError

EVERY = 5


@dataclass(frozen=True)
class Person:
    """A clip of the data and whose face it shows.

    Attributes:
        file: name of the clip's file.
        identity: the person, as the manifest names them; several clips may show one.
        held_out: the person is in no network's training.
    """

    file: str
    identity: str
    held_out: bool


def people(folder: Path) -> tuple[Person, ...]:
    """The clips of `folder`, split by person: of the sorted identities every fifth, from the first, is held out.

    All networks of this room keep the same split. On the project's 54 people that is 11 held out.

    Args:
        folder: holds manifest.csv (columns file, identity) and the clips; or a folder with such a folder `clips`.
    Raises:
        TrainingDataError: there is no manifest.csv, or it lacks a column.
    """
    path = clips_folder(folder) / "manifest.csv"
    with path.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    if not rows or not {"file", "identity"} <= rows[0].keys():
        raise TrainingDataError(f"{path} must have the columns file and identity, and a line for each clip")
    held_out = set(sorted({row["identity"] for row in rows})[::EVERY])
    return tuple(Person(row["file"], row["identity"], row["identity"] in held_out) for row in rows)


def clips_folder(folder: Path) -> Path:
    """`folder`, or its subfolder `clips`, whichever holds manifest.csv.

    Raises:
        TrainingDataError: neither does.
    """
    for place in (Path(folder), Path(folder) / "clips"):
        if (place / "manifest.csv").exists():
            return place
    raise TrainingDataError(
        f"{folder} has no manifest.csv (columns file, identity); give the folder of the clips"
    )
