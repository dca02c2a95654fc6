"""What reuse saves: `python tests/benchmarks/bench_reuse.py [SCENARIO] [a.b=value ...]`.

All cells of a scenario in one process with what is kept between cells; then a sample of them with nothing
kept: each cell decoded anew, and each frame scored by itself, both of its pictures through the network. (All
cells without reuse would take a day.) Encodings are kept in both. Prints LPIPS scores and network passes
against one score a frame and cell, and the ratio of the wall times a cell, measured side by side. Needs LPIPS
weights.
"""

import sys
import time

from lossweep.experiments.evaluator import Evaluator
from lossweep.experiments.metrics.metric import Picture
from lossweep.experiments.metrics.pairing import pairs
from lossweep.experiments.scenario_file import read

SAMPLE = 6


def with_reuse(bench, cells):
    """Seconds for all cells."""
    start = time.perf_counter()
    for cell in cells:
        bench.evaluate(cell)
    return time.perf_counter() - start


def without_reuse(bench, cells):
    """Seconds for the cells when each frame is decoded and scored as if nothing had been before it."""
    lpips = bench.metrics["lpips"]
    start = time.perf_counter()
    for cell in cells:
        bench.forget()
        clip, received = bench.restore(cell)
        for shown, reference in pairs(clip, received):
            lpips.forget()
            picture = Picture(received.clip.video[shown], received.digests[shown])
            lpips.scores([(picture, Picture.of(clip.video[reference]))])
    return time.perf_counter() - start


def main():
    """Runs both ways and prints what was saved."""
    name, *changes = sys.argv[1:] or ["erasure_lpips"]
    cells = list(read(name, changes).cells())
    bench = Evaluator(["lpips"])
    if bench.absent:
        sys.exit(bench.absent["lpips"])
    for cell in {(str(c["endpoint"]), str(c["code"])): c for c in cells}.values():
        bench.stream(cell)
    seconds = with_reuse(bench, cells)
    passes = bench.metrics["lpips"].forwards
    print(f"{len(cells)} cells, {bench.asked} frames: {bench.scored} LPIPS scores, {passes} network passes")
    saved, passes_saved = 1 - bench.scored / bench.asked, 1 - passes / (2 * bench.asked)
    print(f"scores saved {saved:.2%}; network passes saved {passes_saved:.2%}")
    sample = cells[:: len(cells) // SAMPLE][:SAMPLE]
    seconds_off = without_reuse(Evaluator(["lpips"]), sample)
    a_cell, a_cell_off = seconds / len(cells), seconds_off / len(sample)
    print(
        f"wall time a cell {a_cell:.3f} s (all, {seconds:.0f} s) against {a_cell_off:.1f} s "
        f"({len(sample)} cells without reuse, {seconds_off:.0f} s): {a_cell_off / a_cell:.0f} times"
    )


if __name__ == "__main__":
    main()
