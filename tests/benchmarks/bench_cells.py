"""Cells per second of a sweep without pictures, one worker: `python tests/benchmarks/bench_cells.py [CELLS]`.

8 s of H.264 with Reed-Solomon over independent losses; start-up, network, table and export are in the time. The
encodings are made before.
"""

import resource
import sys
import tempfile
import time

import lossweep

SCENARIO = {
    "name": "cells",
    "seed": 1,
    "clip": {"source": "portrait", "seconds": 8},
    "endpoint": {"name": "h264", "bpp": 0.05, "gop": 25},
    "code": ["none", {"name": "rs", "code_rate": 0.5}],
    "channel": {"name": "bernoulli", "loss_rate": [0.01, 0.03, 0.1, 0.3]},
    "path": {"propagation_delay_s": 0.02, "playout_delay_s": 2},
    "metrics": [],
}
WAYS = 8


def main():
    """Runs the sweep and prints its speed."""
    cells = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    with tempfile.TemporaryDirectory() as folder:
        lossweep.run(SCENARIO | {"repetitions": 1}, f"{folder}/first", workers=1)
        start = time.perf_counter()
        table = lossweep.run(SCENARIO | {"repetitions": cells // WAYS}, f"{folder}/all", workers=1)
        seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(
        f"{len(table)} cells in {seconds:.1f} s: {len(table) / seconds:.0f} cells/s, parent at most {memory:.0f} MB"
    )


if __name__ == "__main__":
    main()
