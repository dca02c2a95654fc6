"""What reuse saves: `python tests/benchmarks/bench_reuse.py [SCENARIO]`, with LPIPS weights at hand.

The same cells of a scenario twice in one process: with what is kept between cells, and with all of it
forgotten before each cell (encodings are kept in both). Prints LPIPS scores and forward passes against one
pair a frame and cell, and the ratio of the wall times.
"""

import sys
import time

from experiments.cell import Bench
from experiments.scenario import read

EVERY = 30


def timed(bench, cells, forget):
    """Seconds for the cells, first encoding not counted."""
    for cell in cells:
        bench.stream(cell)
    start = time.perf_counter()
    for cell in cells:
        if forget:
            bench.forget()
        bench.evaluate(cell)
    return time.perf_counter() - start


def main():
    """Runs both ways and prints what was saved."""
    scenario = read(sys.argv[1] if len(sys.argv) > 1 else "erasure_lpips", ["repetitions=4"])
    cells = [c for c in scenario.cells() if c["endpoint"]["gop"] == 32][::EVERY]
    kept = Bench(["lpips"])
    seconds = timed(kept, cells, forget=False)
    frames = kept.asked
    print(
        f"{len(cells)} cells, {frames} frames: {kept.scored} LPIPS scores, {kept.metrics['lpips'].forwards} passes"
    )
    off = Bench(["lpips"])
    seconds_off = timed(off, cells, forget=True)
    print(f"forgotten before each cell: {off.scored} scores, {off.metrics['lpips'].forwards} passes")
    print(f"wall time {seconds:.1f} s against {seconds_off:.1f} s: {seconds_off / seconds:.1f} times")


if __name__ == "__main__":
    main()
