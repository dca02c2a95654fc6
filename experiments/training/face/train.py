"""`python -m lossweep.experiments.training.face.train WHAT --data DIR`: trains a network of SyncSC.

DIR holds the clips (with manifest.csv). The labels are made by `python -m lossweep.experiments.training.face.prepare`.
Each training resumes from its checkpoint.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lossweep.experiments.training.launch import launch

# name -> (module with `train(config)`, CPU minutes unless the command names others)
TRAININGS = {
    "face-model": ("lossweep.experiments.training.face.face_model", 1.0),
    "extractor": ("lossweep.experiments.training.face.extractor", 35.0),
    "pacsc": ("lossweep.experiments.training.codes.pacsc", 62.0),
    "pacsc-s": ("lossweep.experiments.training.codes.pacsc_s", 1.75),
    "generator": ("lossweep.experiments.training.face.generator", 70.0),
    "fom": ("lossweep.experiments.training.face.fom", 25.0),
}
MODEL = Path(__file__).parents[3] / "endpoints" / "syncsc" / "model"


def main(argv: list[str] | None = None) -> int:
    """Trains; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lossweep.experiments.training.face.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the clips, or with clips/ in it")
    return launch(parser, TRAININGS, Path("build/syncsc"), MODEL, argv)


if __name__ == "__main__":
    sys.exit(main())
