"""The command line that all trainings share."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Mapping
from pathlib import Path

from lossweep.channels.errors import LossweepError
from lossweep.experiments.training.trainer import TrainConfig


def launch(
    parser: argparse.ArgumentParser,
    trainings: Mapping[str, tuple[str, float]],
    labels: Path,
    out: Path,
    argv: list[str] | None,
) -> int:
    """Runs one of some trainings: the function `train(config)` of its module.

    Args:
        parser: with the options of the command; it may have `--data`.
        trainings: name -> module, and CPU minutes unless the command names others.
        labels, out: default folders of labels and of weights.
        argv: the command's arguments; None takes the program's.
    Returns:
        The exit status.
    """
    parser.add_argument("what", choices=trainings)
    parser.add_argument("--labels", type=Path, default=labels, help="folder made by prepare")
    parser.add_argument("--out", type=Path, default=out, help="folder for weights and card")
    parser.add_argument("--checkpoint", type=Path, help="default: checkpoints/WHAT.pt")
    parser.add_argument("--cpu-minutes", type=float, help="CPU time of all threads and all runs together")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    module, minutes = trainings[options.what]
    config = TrainConfig(
        data=getattr(options, "data", Path()),
        labels=options.labels,
        out=options.out,
        checkpoint=options.checkpoint or Path("checkpoints") / f"{options.what}.pt",
        cpu_minutes=minutes if options.cpu_minutes is None else options.cpu_minutes,
        device=options.device,
        threads=options.threads,
        seed=options.seed,
    )
    try:
        config.out.mkdir(parents=True, exist_ok=True)
        importlib.import_module(module).train(config)
    except LossweepError as error:
        print(error, file=sys.stderr)
        return 2
    return 0
