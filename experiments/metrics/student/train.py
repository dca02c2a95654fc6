"""Trains lpips_student: `python -m lossweep.experiments.metrics.student.train --data DIR`.

DIR takes the pairs (made first, from the clips of $LOSSWEEP_DATA, where they are not yet there) and a
checkpoint after each validation, from which a stopped training goes on. Two phases: without the kinds in
`UNSEEN`, on which the network is then tested, and a shorter one with all kinds, which gives the weights that
ship.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from lossweep.experiments.metrics.student.card import agreement, write_card
from lossweep.experiments.metrics.student.kept import Pairs
from lossweep.experiments.metrics.student.network import Student, cell_distances
from lossweep.experiments.metrics.student.pairs import GROUP, KINDS, PAIRS, make

UNSEEN = ("av1", "warp")
PHASE_SHARES = (0.35, 0.65)
RATES = (2e-3, 1.4e-3)
GROUPS_A_STEP = 4
ROUNDING = 1e-3
VALIDATE_EVERY = 150


def _step_loss(model: Student, data: Pairs, chosen: NDArray[np.int64], skip: tuple[str, ...]) -> Tensor:
    device = next(model.parameters()).device
    pixels = torch.from_numpy(data.pictures[chosen]).flatten(0, 1).to(device)
    first, second = zip(*PAIRS, strict=True)
    found = cell_distances(model.maps(pixels), GROUP)[..., first, second].permute(0, 3, 1, 2)
    wanted = torch.from_numpy(data.cells[chosen]).to(device)
    unseen = np.isin(data.kinds[chosen], [KINDS.index(kind) for kind in skip])
    used = torch.from_numpy(~(unseen[:, first] | unseen[:, second])).to(device)
    found, wanted = found[used], wanted[used]
    local = smooth_l1_loss((found + ROUNDING).sqrt(), (wanted + ROUNDING).sqrt(), beta=0.05)
    found, wanted = found.mean(dim=(1, 2)), wanted.mean(dim=(1, 2))
    whole = smooth_l1_loss(found, wanted, beta=0.005)
    return (
        local + 2 * whole + smooth_l1_loss((found + ROUNDING).sqrt(), (wanted + ROUNDING).sqrt(), beta=0.05)
    )


def train(data: Path, steps: int, device: str, weights: Path) -> None:
    """Trains, validates as it goes, writes the weights (float16 safetensors) and the card beside them.

    Args:
        data: folder of the pairs and the checkpoint.
        steps: optimiser steps of both phases together.
        device: "cpu" or "cuda".
        weights: file to write.
    """
    from safetensors.torch import save_file

    torch.manual_seed(0)
    training, held_out = Pairs(data / "train"), Pairs(data / "held out")
    print(
        f"{len(training.pictures)} groups of {GROUP} pictures; held out {len(held_out.pictures)}", flush=True
    )
    model = Student().to(device, memory_format=torch.channels_last)
    state = {"step": 0, "seconds": 0.0, "unseen": None}
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=1e-4)
    checkpoint = data / "checkpoint.pt"
    if checkpoint.exists():
        stored = torch.load(checkpoint, map_location=device, weights_only=False)
        model.load_state_dict(stored["model"])
        optimizer.load_state_dict(stored["optimizer"])
        state = stored["state"]
    first_phase = round(steps * PHASE_SHARES[0])
    started, loss_sum = time.monotonic(), 0.0
    for step in range(state["step"], steps):
        phase = int(step >= first_phase)
        done, length = (step - first_phase, steps - first_phase) if phase else (step, first_phase)
        rate = (
            RATES[phase]
            * min(1, (done + 1) / 30)
            * (0.01 + 0.99 * (1 + math.cos(math.pi * done / length)) / 2)
        )
        for parameters in optimizer.param_groups:
            parameters["lr"] = rate
        chosen = np.random.default_rng([0, step]).choice(len(training.pictures), GROUPS_A_STEP, replace=False)
        loss = _step_loss(model, training, chosen, () if phase else UNSEEN)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss_sum += loss.item()
        last_of_phase = step + 1 in (first_phase, steps)
        if (step + 1) % VALIDATE_EVERY == 0 or last_of_phase:
            table = agreement(model, held_out, limit=None if last_of_phase else 40)
            if step + 1 == first_phase:
                state["unseen"] = {kind: table[kind] for kind in UNSEEN}
            now = time.monotonic()
            state["seconds"], state["step"], started = state["seconds"] + now - started, step + 1, now
            left = state["seconds"] / (step + 1) * (steps - step - 1)
            pearson, error, _ = table["all"]
            print(
                f"step {step + 1}/{steps} loss {loss_sum / VALIDATE_EVERY:.4f} held-out people: "
                f"Pearson {pearson:.4f} MAE {error:.4f}; {left / 60:.1f} min left",
                flush=True,
            )
            loss_sum = 0.0
            stored = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "state": state}
            torch.save(stored, checkpoint.with_suffix(".part"))
            checkpoint.with_suffix(".part").rename(checkpoint)
    tensors = {name: t.detach().half().cpu().contiguous() for name, t in model.state_dict().items()}
    save_file(tensors, weights)
    model.load_state_dict({name: t.float() for name, t in tensors.items()})
    write_card(weights.with_name("CARD.md"), agreement(model, held_out), state, training, held_out, device)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("lpips_student.safetensors"))
    options = parser.parse_args()
    if "LOSSWEEP_DATA" not in os.environ:
        parser.error("set LOSSWEEP_DATA to the folder that holds clips/ and torch_home/")
    torch.set_num_threads(options.threads)
    make(Path(os.environ["LOSSWEEP_DATA"]) / "clips", options.data)
    train(options.data, options.steps, options.device, options.out)


if __name__ == "__main__":
    main()
