"""Trains the shipped expert: `python -m lossweep.experiments.training.lip_sync.train --data DIR`.

DIR holds clips/ and models/lrasd_pretrain_ava.model. LR-ASD's encoders are not trained; their features of each clip are
computed once into the work folder. Then, in three rounds, towers that were not trained on a clip's person estimate its
offset between sound and pictures, and the clip is corrected by it (clips from the web are off by up to 6 frames).
Then the towers that ship are trained, each pair with its own seed. An interrupted training resumes: finished features,
rounds and pairs are kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from lossweep.channels.errors import LossweepError, WeightsError
from lossweep.endpoints.weights import save
from lossweep.experiments.metrics.lip_sync.lossweep_sync import SHIPPED
from lossweep.experiments.metrics.lip_sync.lrasd import pretrained
from lossweep.experiments.metrics.lip_sync.network import MEMBERS, SyncNetwork
from lossweep.experiments.training.lip_sync.dataset import Example, examples
from lossweep.experiments.training.lip_sync.train_towers import cosine_table, fit, offset

CHECKPOINT = "lrasd_pretrain_ava.model"
ROUNDS, FOLDS, MAX_OFFSET = 3, 4, 8


def untrained(data: Path) -> SyncNetwork:
    """The network with LR-ASD's encoders.

    Raises:
        WeightsError: its checkpoint is not in `data`/models, or is something else.
    """
    path = data / "models" / CHECKPOINT
    if not path.exists():
        raise WeightsError(f"{path} is missing; get it from github.com/Junhua-Liao/LR-ASD (weight/)")
    network = SyncNetwork()
    try:
        network.pictures, network.sound = pretrained(torch.load(path, map_location="cpu", weights_only=True))
    except (RuntimeError, KeyError) as error:
        raise WeightsError(f"{path} is not LR-ASD ({str(error).splitlines()[0]}); get it again") from None
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def own_offsets(clips: Sequence[Example], folder: Path, steps: int) -> dict[str, int]:
    """Frames by which each clip's sound is late, found by towers that were not trained on its person.

    The first round uses all clips as they are; each next one uses the offsets of the round before.
    """
    persons = sorted({one.identity for one in clips})
    folds = np.random.default_rng(7).permutation(len(persons)) % FOLDS
    fold = dict(zip(persons, folds, strict=True))
    late = dict.fromkeys((one.name for one in clips), 0)
    for number in range(ROUNDS):
        path = folder / f"round-{number}.json"
        if not path.exists():
            aligned = [one.shifted(late[one.name]) for one in clips]
            for part in range(FOLDS):
                pair = fit([one for one in aligned if fold[one.identity] != part], number, steps)
                for one in aligned:
                    if fold[one.identity] == part:
                        found = late[one.name] + offset(cosine_table(pair, one))
                        late[one.name] = found if abs(found) <= MAX_OFFSET else late[one.name]
            path.write_text(json.dumps(late, indent=1))
        late = json.loads(path.read_text())
        print(f"round {number}: {late}", flush=True)
    return late


def train(data: Path, folder: Path, steps: int, weights: Path) -> None:
    """Trains, and writes the weights.

    Args:
        data: see above.
        folder: work folder.
        steps: of each pair of towers.
        weights: file to write.
    """
    start = time.perf_counter()
    network = untrained(data)
    clips = [one for one in examples(data, folder / "features", network) if not one.held_out]
    late = own_offsets(clips, folder, steps)
    aligned = [one.shifted(late[one.name]) for one in clips]
    for seed in range(MEMBERS):
        path = folder / f"pair-{seed}.pt"
        if not path.exists():
            torch.save(fit(aligned, 100 + seed, steps).state_dict(), path)
        network.pairs[seed].load_state_dict(torch.load(path, weights_only=True))
    save(weights, network.state_dict())
    persons = len({one.identity for one in clips})
    print(f"{len(clips)} clips of {persons} people; {(time.perf_counter() - start) / 60:.1f} min this time")


def main(argv: list[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lossweep.experiments.training.lip_sync.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with clips/ and models/")
    parser.add_argument("--work", type=Path, default=Path("build/lip_sync"), help="features and checkpoints")
    parser.add_argument("--steps", type=int, default=300, help="of each pair of towers")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    try:
        train(options.data, options.work, options.steps, options.out)
    except LossweepError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
