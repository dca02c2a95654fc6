"""What a finished cell looked like, for the report."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from lossweep.endpoints.clip import Clip, ClipError, Playback
from lossweep.experiments.cell import Cell
from lossweep.experiments.evaluator import Evaluator
from lossweep.experiments.store import Store


def restore(name: str, directory: Path) -> tuple[Clip, Playback]:
    """The clip of a finished cell and what its receiver shows, computed again; pictures are not stored.

    Args:
        name: the cell's id, of the table in `directory`.
    Raises:
        ClipError: the clip is no longer here, or is another one than the cell was made from.
        StoreError: the store has no such cell.
    """
    cell = cell_of(name, directory)
    if cell.id != name:
        raise ClipError(f"{Path(cell.clip.source).name} is no longer the clip that cell {name} was made from")
    return _evaluator().restore(cell)


def cell_of(name: str, directory: Path) -> Cell:
    """The parameters of a finished cell.

    Raises:
        StoreError: the store has no such cell.
    """
    store = Store(directory, writing=False)
    try:
        return store.cell(name)
    finally:
        store.close()


@lru_cache(maxsize=1)
def _evaluator() -> Evaluator:
    return Evaluator([])
