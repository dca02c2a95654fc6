"""`python -m lossweep.experiments.training.face.train WHAT --data DIR`: trains a network of this room, writes weights and card.

DIR holds the clips (with manifest.csv), LABELS what `python -m lossweep.experiments.training.face.prepare` made of them. Each training
resumes where it was interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Mapping
from pathlib import Path

from lossweep.channels.errors import LossweepError

# name -> (module with `train(args)`, minutes that it is given unless said otherwise)
TRAININGS = {
    "face-model": ("lossweep.experiments.training.face.face_model", 1.0),
    "extractor": ("lossweep.experiments.training.face.extractor", 35.0),
    "pacsc": ("lossweep.experiments.training.codes.pacsc", 8.0),
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


def launch(
    parser: argparse.ArgumentParser,
    trainings: Mapping[str, tuple[str, float]],
    labels: Path,
    out: Path,
    argv: list[str] | None,
) -> int:
    """Runs one of some trainings; its `train(args)` sees the options below and those that the parser has.

    Args:
        trainings: as TRAININGS.
        labels, out: where labels are and weights go unless said otherwise.
        argv: the command's arguments; None takes the program's.
    Returns:
        The exit status.
    """
    parser.add_argument("what", choices=trainings)
    parser.add_argument("--labels", type=Path, default=labels, help="made by prepare")
    parser.add_argument("--out", type=Path, default=out, help="where weights and card go")
    parser.add_argument("--checkpoint", type=Path, help="default: LABELS/WHAT.pt")
    parser.add_argument("--minutes", type=float, help="training time, all runs together")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    module, minutes = trainings[args.what]
    args.minutes = minutes if args.minutes is None else args.minutes
    args.checkpoint = args.checkpoint or args.labels / f"{args.what}.pt"
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        importlib.import_module(module).train(args)
    except LossweepError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
