"""How long a scenario will take, from a few of its cells."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict

from lossweep.experiments.evaluator import Bench, Cell, group_key
from lossweep.experiments.scenario import Scenario

GROUPS_TRIED = 3


def estimate(scenario: Scenario, cells: list[Cell], device: str) -> tuple[float, str]:
    """Estimates the time of a sweep on one core.

    Up to three groups (clip and endpoint) are tried: the first cell of a group pays for loading and encoding,
    a later one, from the middle of the group, stands for the rest. Reuse grows as a sweep goes on, so this is
    rather too long than too short.

    Returns:
        Seconds, and a few words on what they come from.
    """
    groups: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[group_key(cell)].append(cell)
    tried = list(groups.values())[:: max(1, len(groups) // GROUPS_TRIED)][:GROUPS_TRIED]
    bench = Bench(scenario.metrics, device)
    first, later = [], []
    for group in tried:
        first.append(_seconds(bench, group[0]))
        later.append(_seconds(bench, group[len(group) // 2]))
    total = statistics.mean(first) * len(groups) + statistics.mean(later) * (len(cells) - len(groups))
    return total, f"{len(first) + len(later)} cells tried; {len(groups)} encodings"


def _seconds(bench: Bench, cell: Cell) -> float:
    start = time.perf_counter()
    bench.evaluate(cell)
    return time.perf_counter() - start
