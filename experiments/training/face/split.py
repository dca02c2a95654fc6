"""Train / held-out split by person."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from lossweep.channels.errors import TrainingDataError

EVERY = 5
NEW_EVERY = 12
NEW_FOLDERS = ("clips_english/", "clips_silent/")
GRID_FOLDER, GRID_MAN = "grid_s1", "GRID_bbaf2n"
GRID_LEFT_OUT, GRID_EVERY = 3, 10


@dataclass(frozen=True)
class Person:
    """A clip of the data and whose face it shows.

    Attributes:
        file: the clip's file, from the folder of manifest.csv on.
        identity: the person, as the manifest names them; several clips may show one.
        held_out: the person is in no network's training.
        validates: held out to choose between trainings; the figures of the cards are of the others held out.
    """

    file: str
    identity: str
    held_out: bool
    validates: bool = False


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


def everyone(folder: Path) -> tuple[Person, ...]:
    """`people`, and the clips of `NEW_FOLDERS` where `folder` has a clips_new.csv that describes them.

    New clips of people who were held out before are left out. Of the sorted new identities every twelfth, from the
    first, validates; the others train. On the project's data 137 people train, 11 are held out and 9 validate.

    Args:
        folder: as `people`; clips_new.csv has the columns file (from `folder` on) and identity.
    """
    old = people(folder)
    path = Path(folder) / "clips_new.csv"
    if not path.exists():
        return old
    with path.open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["file"].startswith(NEW_FOLDERS)]
    held_out = {person.identity for person in old if person.held_out}
    known = {person.identity for person in old}
    validates = set(sorted({row["identity"] for row in rows} - known)[::NEW_EVERY])
    return old + tuple(
        Person(
            f"../{row['file']}", row["identity"], row["identity"] in validates, row["identity"] in validates
        )
        for row in rows
        if row["identity"] not in held_out
    )


def grid(folder: Path) -> tuple[Person, ...]:
    """Sentences of one man of the GRID corpus, in `folder`/grid_s1; empty where there is no such folder.

    Of the sorted sentences every third is left out, to save time; of the others every tenth, from the first, is held
    out: `held_out` is of the sentence here, the man speaks in training. On the project's data 544 train and 61 are held
    out.

    Args:
        folder: as `people`.
    """
    names = sorted(path.name for path in (clips_folder(folder).parent / GRID_FOLDER).glob("*.mp4"))
    used = [name for i, name in enumerate(names) if i % GRID_LEFT_OUT != GRID_LEFT_OUT - 1]
    return tuple(
        Person(f"../{GRID_FOLDER}/{name}", GRID_MAN, i % GRID_EVERY == 0) for i, name in enumerate(used)
    )


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
