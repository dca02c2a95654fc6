"""Sweeps that are killed at random moments, by random signals, and resumed to the same tables."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import time
from pathlib import Path

import sweeps

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def attack(folder: Path, seed: int, count: int) -> list[str]:
    """Kills a sweep `count` times; a new one begins when the last is complete.

    Returns:
        One line per finding: a table that differs, a store that cannot be read, a resume that fails.
    """
    scenario, wanted = sweeps.reference(folder)
    chance, findings = random.Random(seed), []
    out, cache = folder / "killed", folder / "killed_cache"
    killed = 0
    while killed < count:
        process = sweeps.start(scenario, out, cache)
        time.sleep(chance.uniform(0.5, 12))
        if process.poll() is None:
            how = chance.choice(SIGNALS)
            (os.killpg if chance.random() < 0.5 else os.kill)(process.pid, how)
            killed += 1
            _, errors = sweeps.finish(process)
            if "Traceback" in errors:
                findings.append(f"kill {killed} by {how.name}: {errors.strip().splitlines()[-1]}")
            findings += [f"kill {killed} by {how.name}: {line}" for line in _broken(out)]
            continue
        status, errors = sweeps.finish(process)
        if status or sweeps.digest(out) != wanted:
            findings.append(
                f"after {killed} kills: exit status {status}, table equal: {sweeps.digest(out) == wanted}"
            )
        shutil.rmtree(out)
        shutil.rmtree(cache, ignore_errors=True)
    status, errors = sweeps.finish(sweeps.start(scenario, out, cache))
    if status or sweeps.digest(out) != wanted:
        findings.append(f"after the last kill: exit status {status}: {errors[-300:]}")
    return findings


def _broken(out: Path) -> list[str]:
    store = out / "cells.sqlite"
    if not store.exists():
        return []
    try:
        with sqlite3.connect(store) as database:
            (said,) = database.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as error:
        said = str(error)
    return [] if said == "ok" else [f"the store is broken: {said}"]
