"""Seconds that stages took in earlier sweeps on this machine, kept in the cache folder for estimates."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

from lossweep.channels.cache import cache_folder, read, write

FILE = "timings.json"


PIXELS = "pixels per second"
"""Stands among the stages: the size of the pictures that the others were measured with."""


def remember(
    seconds: Mapping[str, Counter[str]], cells: Mapping[str, int], media_s: float, pixels_per_s: float
) -> None:
    """Keeps what the stages of a sweep took.

    Args:
        seconds: endpoint to stage to seconds, over all cells of the sweep.
        cells: endpoint to number of cells.
        media_s: mean length of the clips.
        pixels_per_s: of their pictures, in the mean; 0 without pictures.
    """
    known = recall()
    for endpoint, stages in seconds.items():
        for stage, value in stages.items():
            known[f"{endpoint} {stage}"] = value / (cells[endpoint] * media_s)
        known[f"{endpoint} {PIXELS}"] = pixels_per_s
    write(cache_folder() / FILE, json.dumps(known, indent=1).encode())


def recall() -> dict[str, float]:
    """Seconds per cell and second of clip, by "endpoint stage"; empty where nothing is known."""
    try:
        known = json.loads(read(cache_folder() / FILE) or b"{}")
        return {str(name): float(value) for name, value in known.items()}
    except (ValueError, AttributeError, TypeError):
        return {}
