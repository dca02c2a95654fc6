"""A finished cell computed again: what was sent, what arrived, what its receiver shows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lossweep.endpoints.clip import Clip, ClipError, Playback
from lossweep.endpoints.session import RtpStream
from lossweep.experiments import calls
from lossweep.experiments.cell import Cell
from lossweep.experiments.evaluator import Evaluator, deliver
from lossweep.experiments.published_sweep import is_published, published_cell
from lossweep.experiments.store import Store
from lossweep.sim.delivery import Delivery
from lossweep.sim.stream import Stream


@dataclass(frozen=True)
class Replay:
    """A cell computed again.

    Attributes:
        clip: what was to be sent.
        playback: what the receiver shows.
        streams: the RTP streams of the session.
        stream, delivery: the packets and what the network did with them; None where the cell sends symbols.
    """

    cell: Cell
    clip: Clip
    playback: Playback
    streams: tuple[RtpStream, ...] = ()
    stream: Stream | None = None
    delivery: Delivery | None = None


def replay(name: str, directory: Path) -> Replay:
    """A finished cell computed again; pictures and packets are not stored.

    Args:
        name: the cell's id, of the table in `directory`.
    Raises:
        ClipError: the clip is no longer here, or is another one than the cell was made from.
        StoreError: the store has no such cell.
    """
    cell = cell_of(name, directory)
    if cell.id != name:
        raise ClipError(f"{Path(cell.clip.source).name} is no longer the clip that cell {name} was made from")
    evaluator = _evaluator()
    if cell.carries_symbols():
        return Replay(cell, *evaluator.restore(cell))
    endpoint, encoded = evaluator.encoded(cell)
    streams = tuple(encoded.session.streams)
    if cell.call is not None:
        clip = evaluator.restore(cell)[0]
        sending = calls.caller(cell, clip, endpoint, encoded)
        result = calls.run(cell, sending)[0]
        shown = calls.play(sending, result, cell.call, evaluator.device)
        return Replay(cell, clip, shown, streams, result.stream, result.delivery)
    clip, playback = evaluator.restore(cell)
    return Replay(cell, clip, playback, streams, encoded.stream, deliver(cell, encoded.stream))


def cell_of(name: str, directory: Path) -> Cell:
    """The parameters of a finished cell.

    Raises:
        StoreError: the folder has no such cell.
    """
    if is_published(directory):
        return published_cell(name, directory)
    store = Store(directory, writing=False)
    try:
        return store.cell(name)
    finally:
        store.close()


@lru_cache(maxsize=1)
def _evaluator() -> Evaluator:
    return Evaluator([])
