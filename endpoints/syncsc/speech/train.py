"""`python -m endpoints.syncsc.speech.train WHAT --labels DIR`: trains a synthesizer, resuming where it stopped.

DIR is the corpus that `python -m endpoints.syncsc.speech.prepare` makes.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from endpoints.clip import ClipError

TRAININGS = {
    "visual": ("endpoints.syncsc.speech.visual_training", 40.0),
    "fastspeech2": ("endpoints.syncsc.speech.fastspeech2_training", 15.0),
    "vocoder": ("endpoints.syncsc.speech.vocoder_training", 25.0),
    "tacotron2": ("endpoints.syncsc.speech.tacotron2_training", 20.0),
}
MODEL = Path(__file__).parent / "model"


def main(argv: list[str] | None = None) -> int:
    """Trains; returns the exit status. `train(args)` of a training sees the options below."""
    parser = argparse.ArgumentParser(
        prog="python -m endpoints.syncsc.speech.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=TRAININGS)
    parser.add_argument("--labels", type=Path, default=Path("build/speech"), help="the corpus")
    parser.add_argument("--out", type=Path, default=MODEL, help="where the weights go")
    parser.add_argument("--checkpoint", type=Path, help="default: LABELS/WHAT.pt")
    parser.add_argument("--minutes", type=float, help="training time, all runs together")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    module, minutes = TRAININGS[args.what]
    args.minutes = minutes if args.minutes is None else args.minutes
    args.checkpoint = args.checkpoint or args.labels / f"{args.what}.pt"
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        importlib.import_module(module).train(args)
    except ClipError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
