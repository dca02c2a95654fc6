"""Coverage of 95 % intervals where repetitions end by precision: `python results/validation/until.py`.

1500 points of each law are simulated; each repeats until its interval is narrow enough. Writes `until.md`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossweep.experiments.columns import schema
from lossweep.experiments.confidence import interval
from lossweep.experiments.precision import Precision, Until

POINTS, AT_MOST = 1500, 1000
COLUMN = "post_repair_loss"
Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]
LAWS: dict[str, tuple[float, float, Draw]] = {
    "loss of 10 %, 400 packets": (0.1, 0.005, lambda rng, n: rng.binomial(400, 0.1, n) / 400),
    "loss of 0.2 %, 400 packets": (0.002, 0.001, lambda rng, n: rng.binomial(400, 0.002, n) / 400),
    "normal, 0.5 with deviation 0.1": (0.5, 0.03, lambda rng, n: np.clip(rng.normal(0.5, 0.1, n), 0, 1)),
    "heavy bursts (beta 0.3, 5.7)": (0.05, 0.02, lambda rng, n: rng.beta(0.3, 5.7, n)),
}
"""True value, half-width asked for, and a draw of n repetitions."""


def coverage(true: float, half_width: float, draw: Draw, seed: int) -> tuple[float, float, float]:
    """Share of the points whose interval covers the true value, mean repetitions, and share that ended early."""
    column = schema()[COLUMN]
    precision = Precision(until=Until(column=COLUMN, half_width=half_width), at_most=AT_MOST)
    covered, counts = 0, []
    for point in range(POINTS):
        values = draw(np.random.default_rng([seed, point]), AT_MOST)[:, None]
        count = 0
        while (needed := precision.needed(values[:count], column)) > count:
            count = needed
        found = interval(values[:count], column.lowest, column.highest)
        covered += found.lower <= true <= found.upper
        counts.append(count)
    return covered / POINTS, float(np.mean(counts)), float(np.mean(np.array(counts) < AT_MOST))


def main() -> None:
    lines = [
        "# Coverage of intervals where repetitions end by precision",
        "",
        f"Made by `until.py`: {POINTS} points of each law, `at_least` 10, `at_most` {AT_MOST}. Intervals that are",
        "looked at several times end a little too early, the more so the more skewed the law.",
        "",
        "| law of a repetition | true value | half-width asked for | mean repetitions | narrow enough | covered |",
        "|---|---|---|---|---|---|",
    ]
    for seed, (name, (true, half_width, draw)) in enumerate(LAWS.items()):
        covered, count, enough = coverage(true, half_width, draw, seed)
        lines.append(
            f"| {name} | {true:g} | {half_width:g} | {count:.0f} | {100 * enough:.1f} % | {100 * covered:.1f} % |"
        )
        print(lines[-1], flush=True)
    Path(__file__).with_name("until.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
