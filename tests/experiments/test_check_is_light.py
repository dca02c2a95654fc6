"""`lossweep check` answers from what is known: it loads no network library for the ready-made scenarios."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from lossweep.experiments import presence
presence.absent = lambda metrics: {}  # as where all metrics were made before
from lossweep.experiments.cli import main
for name in sys.argv[1:]:
    assert main(["check", name, "--set", "clip=portrait"]) == 0, name
    loaded = {"torch", "transformers", "scipy.stats"} & set(sys.modules)
    assert not loaded, (name, loaded)
"""
NAMES = ("smoke", "quickstart", "av_loss", "jscc_snr", "conference", "nack_vs_fec")
NAMES += ("snr_bridge", "table1", "speech_tables")


def test_check_loads_no_network_library():
    done = subprocess.run([sys.executable, "-c", SCRIPT, *NAMES], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
