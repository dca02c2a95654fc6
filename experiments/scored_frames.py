"""What `check` says of a `score_every` that scores key frames only."""

from __future__ import annotations

from math import gcd

from lossweep.experiments.cell import name_of
from lossweep.experiments.scenario import Scenario


def key_frames_only(scenario: Scenario) -> list[str]:
    """One line for each endpoint of which only the first frame of each group is scored."""
    lines: dict[str, None] = {}
    for endpoint, _ in scenario.ways():
        part = getattr(endpoint, "video", None)
        options = endpoint if part is None else part.options
        gop = getattr(options, "gop", None)
        for every in scenario.score_every:
            if isinstance(gop, int) and gop > 1 and every % gop == 0:
                better = next(n for n in range(every + 1, 2 * every + 2) if gcd(n, gop) == 1)
                lines[
                    f"{name_of(options)} with gop {gop}: score_every {every} scores key frames only; "
                    f"use for example {better}"
                ] = None
    return list(lines)
