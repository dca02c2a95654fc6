"""What a finished cell looked like, for the report."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from lossweep.endpoints.clip import Clip, Playback
from lossweep.experiments.evaluator import Bench
from lossweep.experiments.store import Store


def restore(name: str, directory: Path) -> tuple[Clip, Playback]:
    """The clip of a finished cell and what its receiver shows, computed again; pictures are not stored.

    Args:
        name: the cell's id, of the table in `directory`.
    Raises:
        ClipError: the clip is no longer to be had here.
    """
    return _bench().restore(Store(directory).cell(name))


@lru_cache(maxsize=1)
def _bench() -> Bench:
    return Bench([])
