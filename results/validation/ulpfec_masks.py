"""Search for the masks of code `ulpfec`, and what they leave of losses.

For every (k, m) with m <= k <= 12, and for independent and bursty loss, simulated annealing flips bits of the m x k
mask to lower the residual loss after peeling. The losses are those of WebRTC's test of its own masks: 2.5, 5, 10 and
25 %, independent, or in bursts of mean 2 and 4 packets, each with equal weight. The search looks at a sample of loss
patterns; the figures that are written are exact: all 2^(k+m) patterns.

    python results/validation/ulpfec_masks.py OUT      # writes OUT/ulpfec_masks.csv and OUT/ulpfec_residuals.csv
"""

from __future__ import annotations

import sys
from functools import reduce
from itertools import combinations
from operator import or_
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SEED = 1
MOST_SOURCE = 12
LOSSES = (0.025, 0.05, 0.1, 0.25)
BURSTS = {"random": (None,), "bursty": (2.0, 4.0)}
SEARCHES, PATTERNS, STEPS, STARTS, HEAT = 3, 4000, 1200, 3, 0.02
JUDGED_BITS = 17
"""Of codes of up to so many packets, the best mask is chosen on all patterns, of others on a larger sample."""
MOST_COVERED, BALANCED = 5, 5
"""Repair packets that cover a source packet in a starting mask, and balanced starts of each."""
EXACT_BITS = 12
"""Codes of up to so many packets are searched on all their patterns."""


class Losses:
    """Loss patterns of a code's packets, and what masks leave of them.

    Args:
        k, m: source and repair packets.
        lost: loss patterns as bits: source packets first, then repair packets.
        weight: of each pattern; the sum is 1.
    """

    def __init__(self, k: int, m: int, lost: NDArray[np.int64], weight: NDArray[np.float64]) -> None:
        source = lost & ((1 << k) - 1)
        lost, weight = lost[source != 0], weight[source != 0]
        self.k, self.m, self.weight = k, m, weight
        self.missing = (lost & ((1 << k) - 1)).astype(np.int32)
        self.arrived = [np.flatnonzero(lost >> (k + i) & 1 == 0) for i in range(m)]

    def residual(self, rows: list[int]) -> float:
        """Mean fraction of the k + m packets that are source packets and stay lost after peeling.

        Args:
            rows: the mask of each repair packet; bit i is source packet i.
        """
        missing, changed = self.missing.copy(), True
        while changed:
            changed = False
            for row, where in zip(rows, self.arrived, strict=True):
                unknown = missing[where] & row
                single = np.flatnonzero((unknown & (unknown - 1) == 0) & (unknown != 0))
                if len(single):
                    missing[where[single]] ^= unknown[single]
                    changed = True
        return float(np.bitwise_count(missing) @ self.weight) / (self.k + self.m)


def all_patterns(n: int, kind: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """All 2^n loss patterns with their mean probability over the losses of a kind."""
    patterns = np.arange(1 << n)
    total = np.zeros(1 << n)
    for loss in LOSSES:
        for burst in BURSTS[kind]:
            to_bad, stay = (loss, loss) if burst is None else (loss / burst / (1 - loss), 1 - 1 / burst)
            probability = np.where(patterns & 1, loss, 1 - loss)
            for i in range(1, n):
                before, now = patterns >> (i - 1) & 1, patterns >> i & 1
                bad = np.where(before, stay, to_bad)
                probability = probability * np.where(now, bad, 1 - bad)
            total += probability
    return patterns, total / (len(LOSSES) * len(BURSTS[kind]))


def sample(
    n: int, kind: str, rng: np.random.Generator, count: int = PATTERNS
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Loss patterns for the search: all of them where they are few."""
    if n <= EXACT_BITS:
        return all_patterns(n, kind)
    lost = np.zeros((len(LOSSES) * len(BURSTS[kind]), count), np.int64)
    for row, (loss, burst) in enumerate((loss, burst) for loss in LOSSES for burst in BURSTS[kind]):
        to_bad, stay = (loss, loss) if burst is None else (loss / burst / (1 - loss), 1 - 1 / burst)
        bad = rng.random(count) < loss
        for i in range(n):
            if i:
                bad = rng.random(count) < np.where(bad, stay, to_bad)
            lost[row] |= bad.astype(np.int64) << i
    patterns, counts = np.unique(lost, return_counts=True)
    return patterns, counts / counts.sum()


def search(k: int, m: int, kind: str) -> list[int]:
    """The mask that is found for a code: one integer per repair packet. Simulated annealing from the best starts."""
    if m == 1:
        return [(1 << k) - 1]
    rng = np.random.default_rng([SEED, k, m, sorted(BURSTS).index(kind)])
    found = []
    for _ in range(SEARCHES):
        losses = Losses(k, m, *sample(k + m, kind, rng))
        starts = sorted(starting_masks(k, m, rng), key=losses.residual)[:STARTS]
        found += [*starts, *(_anneal(rows, losses, rng) for rows in starts)]
    if k + m <= JUDGED_BITS:
        judge = Losses(k, m, *all_patterns(k + m, kind))
    else:
        judge = Losses(k, m, *sample(k + m, kind, rng, 8 * PATTERNS))
    return min(found, key=judge.residual)


def _anneal(rows: list[int], losses: Losses, rng: np.random.Generator) -> list[int]:
    value = best_value = losses.residual(rows)
    best = rows
    for step in range(STEPS):
        changed = list(rows)
        for _ in range(int(rng.integers(1, 4))):
            changed[int(rng.integers(losses.m))] ^= 1 << int(rng.integers(losses.k))
        if not _covers(changed, losses.k):
            continue
        found = losses.residual(changed)
        heat = HEAT * (1 - step / STEPS) ** 2 * value
        if found <= value or (heat > 0 and rng.random() < np.exp((value - found) / heat)):
            rows, value = changed, found
        if value < best_value:
            best, best_value = rows, value
    return best


def starting_masks(k: int, m: int, rng: np.random.Generator) -> list[list[int]]:
    """Masks to begin from: cyclic ones (source packet i is in repair packets i + d mod m), and balanced ones."""
    starts = []
    for size in range(1, min(m, MOST_COVERED) + 1):
        for rest in combinations(range(1, m), size - 1):
            rows = [0] * m
            for i in range(k):
                for d in (0, *rest):
                    rows[(i + d) % m] |= 1 << i
            starts.append(rows)
        starts += [_balanced(k, m, size, rng) for _ in range(BALANCED)]
    return [rows for rows in starts if _covers(rows, k)]


def _covers(rows: list[int], k: int) -> bool:
    """Whether every repair packet covers something, and something covers every source packet."""
    return all(rows) and reduce(or_, rows) == (1 << k) - 1


def _balanced(k: int, m: int, weight: int, rng: np.random.Generator) -> list[int]:
    """Every source packet in `weight` repair packets, as evenly as can be, no two in the same ones if possible."""
    rows = [0] * m
    used: set[tuple[int, ...]] = set()
    for i in range(k):
        sets = sorted(
            combinations(range(m), weight),
            key=lambda one: (one in used, sum(rows[row].bit_count() ** 2 for row in one), rng.random()),
        )
        used.add(sets[0])
        for row in sets[0]:
            rows[row] |= 1 << i
    return rows


def main(out: Path) -> None:
    """Writes the masks and their residual losses."""
    masks = ["loss,k,m,masks"]
    figures = ["loss,k,m,residual"]
    for kind in BURSTS:
        for k in range(1, MOST_SOURCE + 1):
            for m in range(1, k + 1):
                rows = search(k, m, kind)
                masks.append(f"{kind},{k},{m},{' '.join(f'{row:x}' for row in rows)}")
                figures.append(
                    f"{kind},{k},{m},{Losses(k, m, *all_patterns(k + m, kind)).residual(rows):.6f}"
                )
                print(figures[-1], flush=True)
    (out / "ulpfec_masks.csv").write_text("\n".join(masks) + "\n")
    (out / "ulpfec_residuals.csv").write_text("\n".join(figures) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
