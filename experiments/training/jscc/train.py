"""`python -m lossweep.experiments.training.jscc.train WHAT --labels FOLDER`: trains a network that sends symbols.

FOLDER is what `python -m lossweep.experiments.training.jscc.sequences` wrote. Each training resumes from its
checkpoint.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lossweep.experiments.training.launch import launch

# name -> (module with `train(config)`, CPU minutes unless the command names others)
TRAININGS = {
    "key-frames": ("lossweep.experiments.training.jscc.key_frames", 50.0),
    "flow": ("lossweep.experiments.training.jscc.flow", 8.0),
    "prediction": ("lossweep.experiments.training.jscc.prediction", 45.0),
    "interpolation": ("lossweep.experiments.training.jscc.interpolation", 45.0),
    "restoration": ("lossweep.experiments.training.jscc.restoration", 60.0),
    "allocation": ("lossweep.experiments.training.jscc.allocation", 15.0),
}
MODEL = Path(__file__).parents[3] / "endpoints" / "jscc" / "model"


def main(argv: list[str] | None = None) -> int:
    """Trains; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lossweep.experiments.training.jscc.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return launch(parser, TRAININGS, Path("build/jscc"), MODEL, argv)


if __name__ == "__main__":
    sys.exit(main())
