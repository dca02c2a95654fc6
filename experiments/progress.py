"""Progress of a sweep on stderr: a bar on a terminal, else one plain line per minute."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from lossweep.experiments.durations import duration

LINE_EVERY_S = 60.0
NOTE_EVERY_S = 1.0


class Progress:
    """Counts finished cells.

    Args:
        name: of the scenario.
        total: cells of the sweep.
        kept: cells that were finished before.
        note: called at most once a second, and at the end, with what `lossweep status` reads.
    """

    def __init__(
        self, name: str, total: int, kept: int, note: Callable[[dict[str, str | float]], None]
    ) -> None:
        self._name, self._total, self._done, self._kept = name, total, kept, kept
        self._note, self._began = note, time.time()
        self._started = self._shown = self._noted = time.monotonic()
        self.note()
        self._bar = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, initial=kept, unit="cell", desc=name, file=sys.stderr)

    def note(self) -> None:
        """Notes how many cells are finished."""
        self._noted = time.monotonic()
        self._note(
            {
                "name": self._name,
                "total": self._total,
                "done": self._done,
                "kept": self._kept,
                "started": self._began,
            }
        )

    def say(self, line: str) -> None:
        """Prints a line and leaves the bar whole."""
        if self._bar is not None:
            self._bar.write(line, file=sys.stderr)
        else:
            print(line, file=sys.stderr, flush=True)

    def step(self) -> None:
        """One more cell is finished, or has failed."""
        self._done += 1
        now = time.monotonic()
        if now - self._noted >= NOTE_EVERY_S:
            self.note()
        if self._bar is not None:
            self._bar.update()
        elif now - self._shown >= LINE_EVERY_S:
            self._shown = now
            left = (now - self._started) / (self._done - self._kept) * (self._total - self._done)
            self.say(f"{self._name}: {self._done} of {self._total} cells, about {duration(left)} left")

    def extend(self, cells: int, kept: int) -> None:
        """More cells belong to the sweep, of which `kept` are finished."""
        self._total += cells
        self._kept += kept
        self._done += kept
        if self._bar is not None:
            self._bar.total = self._total
            self._bar.update(kept)
        self.note()

    def close(self) -> None:
        """Ends the bar."""
        self.note()
        if self._bar is not None:
            self._bar.close()
