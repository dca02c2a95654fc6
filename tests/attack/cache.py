"""Files of the encodings cache that are cut, overwritten, emptied or made unreadable; the tables stay the same."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import sweeps


def attack(folder: Path, seed: int, count: int) -> list[str]:
    """Damages files of a warm cache `count` times and runs the sweep anew.

    Returns:
        One line per finding.
    """
    scenario, wanted = sweeps.reference(folder)
    chance, findings = random.Random(seed), []
    for number in range(count):
        cache, out = folder / f"cache_{number}", folder / f"damaged_{number}"
        shutil.copytree(folder / "reference_cache", cache)
        files = sorted(path for path in cache.rglob("*") if path.is_file())
        for path in chance.sample(files, max(1, len(files) // 2)):
            _damage(path, chance)
        status, errors = sweeps.finish(sweeps.start(scenario, out, cache))
        if status or "Traceback" in errors or sweeps.digest(out) != wanted:
            findings.append(
                f"damage {number}: exit status {status}, table equal: {sweeps.digest(out) == wanted}; {errors[-300:]}"
            )
        shutil.rmtree(cache)
        shutil.rmtree(out, ignore_errors=True)
    return findings


def _damage(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    how = chance.choice(("cut", "empty", "noise", "byte"))
    if how == "cut":
        data = data[: chance.randrange(len(data) + 1)]
    elif how == "empty":
        data = bytearray()
    elif how == "noise":
        data = bytearray(chance.randbytes(len(data)))
    elif data:
        data[chance.randrange(len(data))] ^= chance.randrange(1, 256)
    path.write_bytes(bytes(data))
