"""Sliding-window RLC against Reed-Solomon blocks at equal rate: rlc.md.

The network of the table `anchors/rlc_vs_rs.txt`: code rate 2/3, a packet in every slot, losses independent or in bursts
(Gilbert), 40,000 slots. A source packet counts as lost at so many slots where it is not known so long after its own.

    LOSSWEEP_DATA=DIR python results/validation/rlc.py OUT
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.fec.reed_solomon import ReedSolomon
from lossweep.endpoints.fec.rlc import Rlc
from lossweep.sim.repair import repair_times
from lossweep.sim.stream import Block

PACKETS = 40_000
CODE_RATE = 2 / 3
SLACKS = (15, 30, 60)
SEEDS = 10


def losses(loss: float, burst: float, rng: np.random.Generator, count: int = PACKETS) -> NDArray[np.bool_]:
    """Which slots lose their packet: independent (burst 1), or a Gilbert chain with that mean burst."""
    if burst == 1:
        return rng.random(count) < loss
    leave, enter, bad = 1 / burst, loss / burst / (1 - loss), bool(rng.random() < loss)
    lost = np.empty(count, bool)
    for i, chance in enumerate(rng.random(count).tolist()):
        bad = chance >= leave if bad else chance < enter
        lost[i] = bad
    return lost


def delays(scheme: str, lost: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Slots from sending to knowing of each source packet: 0 where it arrived, inf where it is never known.

    Args:
        scheme: "RS k/n" or "RLC ew<window>".
        lost: per slot.
    """
    blocks, slots = sent(scheme, len(lost))
    arrived_s = np.where(lost[slots], np.inf, slots)
    repaired_s = repair_times(blocks, arrived_s.astype(float))
    source = np.concatenate([np.arange(block.first, block.first + block.code.k) for block in blocks])
    return np.minimum(arrived_s, repaired_s)[source] - slots[source]


def sent(scheme: str, count: int) -> tuple[list[Block], NDArray[np.int64]]:
    """The blocks of a scheme in so many slots, and the slot of each packet."""
    if scheme.startswith("RS"):
        k, n = map(int, scheme[3:].split("/"))
        code = ReedSolomon(k / n).make(k, n)
        return [Block(i, i * n, code, 0.0, 0.0) for i in range(count // n)], np.arange(count // n * n)
    stream = Rlc(CODE_RATE, int(scheme[6:])).make(round(count * CODE_RATE))
    places = [*((i, 0) for i in range(stream.k)), *((end - 1, 1) for end in stream.ends)]
    slots = np.empty(stream.n, np.int64)
    slots[sorted(range(stream.n), key=places.__getitem__)] = np.arange(stream.n)
    kept = slots < count
    return [Block(0, 0, stream, 0.0, 0.0)], np.where(kept, slots, count - 1)


def residuals(scheme: str, loss: float, burst: float, seed: int) -> list[float]:
    """Fraction of source packets not known within 15, 30, 60 slots, and ever; median delay of those repaired."""
    lost = losses(loss, burst, np.random.default_rng([seed, round(100 * loss), burst]))
    delay = delays(scheme, lost)
    repaired = delay[(delay > 0) & np.isfinite(delay)]
    return [*(float(np.mean(delay > slack)) for slack in (*SLACKS, PACKETS)), float(np.median(repaired))]


def anchor() -> dict[tuple[float, float, str], list[str]]:
    """Residual loss at 15, 30, 60 slots and ever, and median repair delay, as measured elsewhere."""
    found, network = {}, (0.0, 0.0)
    for line in (Path(os.environ["LOSSWEEP_DATA"]) / "anchors/rlc_vs_rs.txt").read_text().splitlines():
        if head := re.match(r"loss ([\d.]+) burst (\d+)", line):
            network = float(head[1]), float(head[2])
        elif row := re.match(
            r" +(R.+): res@15 (\S+) @30 (\S+) @60 (\S+) ever (\S+); repair delay p50 (\d+)", line
        ):
            found[*network, row[1]] = [row[i] for i in (2, 3, 4, 5, 6)]
    return found


def main(out: Path) -> None:
    """Simulates every row of the table."""
    lines = [
        "# Sliding-window RLC against Reed-Solomon",
        "",
        f"Made by `rlc.py`: code rate 2/3, a packet in every slot, {PACKETS:,} slots per run; mean of {SEEDS} runs ± "
        "standard deviation of one; in brackets one run of another program (`anchors/rlc_vs_rs.txt`).",
        "Residual: source packets that are not known so many slots after they were sent.",
        "",
        "| loss | mean burst | scheme | residual at 15 slots | at 30 | at 60 | ever | median repair delay / slots |",
        "|---|---|---|---|---|---|---|---|",
    ]
    farthest = []
    for (loss, burst, scheme), known in anchor().items():
        runs = np.array([residuals(scheme, loss, int(burst), seed) for seed in range(1, SEEDS + 1)])
        mean, spread = runs.mean(0), runs.std(0, ddof=1)
        cells = [f"{m:.4f} ± {s:.4f} ({k})" for m, s, k in zip(mean[:4], spread[:4], known[:4], strict=True)]
        cells.append(f"{mean[4]:.0f} ({known[4]})")
        lines.append(f"| {loss:g} | {burst:g} | {scheme} | {' | '.join(cells)} |")
        apart = np.abs(mean[:4] - [float(one) for one in known[:4]]) - 5e-5  # the table's rounding
        farthest += [(a / s, scheme) for a, s in zip(apart, spread[:4], strict=True) if a > 0 and s > 0]
    beyond = sum(distance > 2 for distance, _ in farthest)
    lines += [
        "",
        f"Of the other program's {4 * len(anchor())} residuals {beyond} lie farther than 2 standard deviations "
        f"of one run from the mean; the farthest is {max(farthest)[0]:.1f} away ({max(farthest)[1]}).",
        "At a deadline that the block fits, both codes leave about the same. RLC repairs sooner, and no block "
        "length is chosen.",
    ]
    (out / "rlc.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
