"""A disk that is full: one line that says so, and what was finished is kept."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import sweeps

SIZE_KB = 160


def attack(folder: Path) -> list[str]:
    """Runs the sweep on a tmpfs of 160 kB (as root; elsewhere it is skipped with a note), then on a larger one.

    Returns:
        One line per finding.
    """
    if os.geteuid() != 0:
        print("full disk: skipped, it needs root to mount a tmpfs", flush=True)
        return []
    scenario, wanted = sweeps.reference(folder)
    place, findings = folder / "disk", []
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_KB}k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        print("full disk: skipped, no tmpfs could be mounted", flush=True)
        return []
    try:
        status, errors = sweeps.finish(sweeps.start(scenario, place / "out", folder / "disk_cache"))
        lines = [line for line in errors.splitlines() if line.startswith("lossweep:")]
        if status == 0 or "Traceback" in errors or not lines:
            findings.append(f"exit status {status} on a full disk: {errors[-300:]}")
        subprocess.run(["mount", "-o", "remount,size=64m", str(place)], check=True)
        status, errors = sweeps.finish(sweeps.start(scenario, place / "out", folder / "disk_cache"))
        if status or sweeps.digest(place / "out") != wanted:
            findings.append(f"after making room: exit status {status}: {errors[-300:]}")
    finally:
        subprocess.run(["umount", str(place)], check=False)
    return findings
