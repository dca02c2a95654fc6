"""What a finished cell looked like, for the report."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from lossweep.endpoints.clip import Clip, ClipError, Playback
from lossweep.experiments.evaluator import Bench, Cell
from lossweep.experiments.store import Store


def restore(name: str, directory: Path) -> tuple[Clip, Playback]:
    """The clip of a finished cell and what its receiver shows, computed again; pictures are not stored.

    Args:
        name: the cell's id, of the table in `directory`.
    Raises:
        ClipError: the clip or the cell is no longer here.
    """
    return _bench().restore(cell_of(name, directory))


def cell_of(name: str, directory: Path) -> Cell:
    """The parameters of a finished cell.

    Raises:
        ClipError: the store has no such cell.
    """
    try:
        return Store(directory).cell(name)
    except TypeError:
        raise ClipError(f"cell {name} is not in the store; run the sweep again") from None


@lru_cache(maxsize=1)
def _bench() -> Bench:
    return Bench([])
