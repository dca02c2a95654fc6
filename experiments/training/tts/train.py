"""`python -m lossweep.experiments.training.tts.train WHAT --labels DIR`: trains a synthesizer or the vocoder.

DIR is the corpus that `python -m lossweep.experiments.training.tts.prepare` makes. A training resumes from its
checkpoint.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lossweep.experiments.training.launch import launch

TRAININGS = {
    "visual": ("lossweep.experiments.training.tts.visual", 40.0),
    "fastspeech2": ("lossweep.experiments.training.tts.fastspeech2", 15.0),
    "vocoder": ("lossweep.experiments.training.tts.vocoder", 25.0),
    "tacotron2": ("lossweep.experiments.training.tts.tacotron2", 20.0),
}
MODEL = Path(__file__).parents[3] / "endpoints" / "tts" / "model"


def main(argv: list[str] | None = None) -> int:
    """Trains; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lossweep.experiments.training.tts.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return launch(parser, TRAININGS, Path("build/speech"), MODEL, argv)


if __name__ == "__main__":
    sys.exit(main())
