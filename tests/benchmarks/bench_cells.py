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
        start, busy = time.perf_counter(), processor_s()
        table = lossweep.run(SCENARIO | {"repetitions": cells // WAYS}, f"{folder}/all", workers=1)
        seconds, busy = time.perf_counter() - start, processor_s() - busy
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(
        f"{len(table)} cells in {seconds:.1f} s ({busy:.1f} s of processor time): {len(table) / seconds:.0f} cells/s, "
        f"{len(table) / busy:.0f} per second of processor time; parent at most {memory:.0f} MB"
    )


def processor_s():
    """Processor time of this process and of its workers that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main()
