"""Trains the shipped expert: `python -m lossweep.experiments.training.lip_sync.train towers --data DIR`.

DIR holds clips/ and models/lrasd_pretrain_ava.model. LR-ASD's encoders are not trained; their features of each clip are
computed once into the work folder. Then, in three rounds, towers that were not trained on a clip's person estimate its
offset between sound and pictures, and the clip is corrected by it (clips from the web are off by up to 6 frames).
Then the towers that ship are trained, each pair with its own seed. An interrupted training resumes from the checkpoints
in the work folder.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from lossweep.channels.errors import WeightsError
from lossweep.endpoints.weights import save
from lossweep.experiments.metrics.lip_sync.lossweep_sync import SHIPPED
from lossweep.experiments.metrics.lip_sync.lrasd import pretrained
from lossweep.experiments.metrics.lip_sync.network import MEMBERS, SyncNetwork
from lossweep.experiments.training.launch import launch
from lossweep.experiments.training.lip_sync.dataset import Example, examples
from lossweep.experiments.training.lip_sync.train_towers import cosine_table, fit, offset
from lossweep.experiments.training.trainer import TrainConfig

CHECKPOINT = "lrasd_pretrain_ava.model"
ROUNDS, FOLDS, MAX_OFFSET = 3, 4, 8
# name -> (module with `train(config)`, CPU minutes of each of the pairs of towers unless the command names others)
TRAININGS = {"towers": ("lossweep.experiments.training.lip_sync.train", 1.0)}


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


def own_offsets(clips: Sequence[Example], config: TrainConfig) -> dict[str, int]:
    """Frames by which each clip's sound is late, found by towers that were not trained on its person.

    The first round uses all clips as they are; each next one uses the offsets of the round before.
    """
    persons = sorted({one.identity for one in clips})
    folds = np.random.default_rng(7).permutation(len(persons)) % FOLDS
    fold = dict(zip(persons, folds, strict=True))
    late = dict.fromkeys((one.name for one in clips), 0)
    for number in range(ROUNDS):
        path = config.labels / f"round-{number}.json"
        if not path.exists():
            aligned = [one.shifted(late[one.name]) for one in clips]
            for part in range(FOLDS):
                others = [one for one in aligned if fold[one.identity] != part]
                pair = fit(others, _pair(config, f"round-{number}-{part}", number))
                for one in aligned:
                    if fold[one.identity] == part:
                        found = late[one.name] + offset(cosine_table(pair, one))
                        late[one.name] = found if abs(found) <= MAX_OFFSET else late[one.name]
            path.write_text(json.dumps(late, indent=1))
        late = json.loads(path.read_text())
        print(f"round {number}: {late}", flush=True)
    return late


def train(config: TrainConfig) -> None:
    """Trains with `config.cpu_minutes` for each pair of towers; `config.labels` is the work folder."""
    torch.set_num_threads(config.threads)
    network = untrained(config.data)
    clips = [one for one in examples(config.data, config.labels / "features", network) if not one.held_out]
    late = own_offsets(clips, config)
    aligned = [one.shifted(late[one.name]) for one in clips]
    for seed in range(MEMBERS):
        pair = fit(aligned, _pair(config, f"pair-{seed}", 100 + seed))
        network.pairs[seed].load_state_dict(pair.state_dict())
    save(config.out / SHIPPED.name, network.state_dict())
    print(f"{len(clips)} clips of {len({one.identity for one in clips})} people")


def _pair(config: TrainConfig, name: str, seed: int) -> TrainConfig:
    return replace(config, checkpoint=config.labels / f"{name}.pt", seed=seed)


def main(argv: list[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lossweep.experiments.training.lip_sync.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with clips/ and models/")
    return launch(parser, TRAININGS, Path("build/lip_sync"), SHIPPED.parent, argv)


if __name__ == "__main__":
    sys.exit(main())
