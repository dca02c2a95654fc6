"""`python -m endpoints.syncsc.speech.train WHAT --labels DIR`: trains a synthesizer, resuming where it stopped.

DIR is the corpus that `python -m endpoints.syncsc.speech.prepare` makes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from endpoints.syncsc.train import launch

TRAININGS = {
    "visual": ("endpoints.syncsc.speech.visual_training", 40.0),
    "fastspeech2": ("endpoints.syncsc.speech.fastspeech2_training", 15.0),
    "vocoder": ("endpoints.syncsc.speech.vocoder_training", 25.0),
    "tacotron2": ("endpoints.syncsc.speech.tacotron2_training", 20.0),
}
MODEL = Path(__file__).parent / "model"


def main(argv: list[str] | None = None) -> int:
    """Trains; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m endpoints.syncsc.speech.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return launch(parser, TRAININGS, Path("build/speech"), MODEL, argv)


if __name__ == "__main__":
    sys.exit(main())
