"""Seconds that stages took in earlier sweeps on this machine, kept in the cache folder for estimates."""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from lossweep.endpoints.codecs.video.encode import cache_folder

FILE = "timings.json"


def remember(seconds: Mapping[str, Counter[str]], cells: Mapping[str, int], media_s: float) -> None:
    """Keeps what the stages of a sweep took. A cache folder that cannot be written is no error.

    Args:
        seconds: endpoint to stage to seconds, over all cells of the sweep.
        cells: endpoint to number of cells.
        media_s: mean length of the clips.
    """
    known = recall()
    for endpoint, stages in seconds.items():
        for stage, value in stages.items():
            known[f"{endpoint} {stage}"] = value / (cells[endpoint] * media_s)
    path = cache_folder() / FILE
    part = path.with_name(f"{FILE}.{os.getpid()}.part")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(known, indent=1))
        os.replace(part, path)


def recall() -> dict[str, float]:
    """Seconds per cell and second of clip, by "endpoint stage"; empty where nothing is known."""
    path: Path = cache_folder() / FILE
    try:
        known = json.loads(path.read_text())
        return {str(name): float(value) for name, value in known.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
