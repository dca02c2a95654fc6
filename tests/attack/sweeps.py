"""The small sweep that is attacked, and what it must give."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

SCENARIO = """
name: attacked
repetitions: 4
clip: {source: portrait, seconds: 1.28}
endpoint:
  - {name: h264, quantizer: [38, 44], gop: 16}
  - {name: opus}
code: [none, {name: rs, code_rate: 0.5}]
channel: {name: bernoulli, loss_rate: [0, 0.1, 0.3]}
metrics: [psnr, ssim]
"""


def start(scenario: Path, out: Path, cache: Path) -> subprocess.Popen[str]:
    """A sweep in a process group of its own."""
    command = [sys.executable, "-m", "lossweep.experiments.cli", "run", str(scenario), "--out", str(out)]
    return subprocess.Popen(
        [*command, "--workers", "2"],
        env={**os.environ, "LOSSWEEP_CACHE": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit status, and what it printed to stderr."""
    _, errors = process.communicate(timeout=600)
    return process.returncode, errors


def write_scenario(folder: Path) -> Path:
    """The scenario's file."""
    path = folder / "attacked.yaml"
    path.write_text(SCENARIO)
    return path


def digest(out: Path) -> str:
    """Hash of the tables of a sweep."""
    parts = (out / "table.csv", out / "frames.parquet")
    return hashlib.sha256(b"".join(p.read_bytes() for p in parts if p.exists())).hexdigest()


def reference(folder: Path) -> tuple[Path, str]:
    """The scenario, and the digest of an undisturbed run with a cache of its own."""
    scenario, out = write_scenario(folder), folder / "reference"
    if not (out / "table.csv").exists():
        status, errors = finish(start(scenario, out, folder / "reference_cache"))
        if status:
            raise RuntimeError(f"the undisturbed sweep failed: {errors[-500:]}")
    return scenario, digest(out)
