"""A seeded attack on sweeps, caches, disks and parsers.

    python tests/attack --seed 1 --kills 100 --mutations 10000000

It is not part of the test suite: at full size it takes an hour. It prints one line per finding and exits with 1 if
there is any. Equal arguments make the same attack, but for the moments at which a process dies.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def main() -> int:
    """Runs the attacks; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=5, help="times that a sweep is killed and resumed")
    parser.add_argument("--damages", type=int, default=5, help="times that files of the cache are damaged")
    parser.add_argument("--mutations", type=int, default=20_000, help="mutated packets and payloads")
    parser.add_argument(
        "--no-disk", action="store_true", help="without the full disk (it mounts a tmpfs as root)"
    )
    options = parser.parse_args()
    import cache
    import disk
    import kills
    import packets

    findings: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, attack in (
            ("mutated packets", lambda: packets.attack(options.seed, options.mutations)),
            ("kills", lambda: kills.attack(Path(folder), options.seed, options.kills)),
            ("damaged cache", lambda: cache.attack(Path(folder), options.seed, options.damages)),
            ("full disk", lambda: [] if options.no_disk else disk.attack(Path(folder))),
        ):
            start = time.monotonic()
            found = attack()
            findings += found
            print(f"{name}: {len(found)} findings, {time.monotonic() - start:.0f} s", flush=True)
            for line in found[:20]:
                print(f"  {line}", flush=True)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
