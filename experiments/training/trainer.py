"""The loop that the picture networks' trainings share: resumable, timed, with a running mean of the weights."""

from __future__ import annotations

import math
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

STEPS_A_CHECKPOINT = 100
CHECKPOINTS_A_VALIDATION = 4
WARMUP = 100
LEAST = 0.02
"""What the rate falls to, as a share of its start."""

Loss = Callable[[np.random.Generator, float], tuple[Tensor, Mapping[str, float]]]


class Trained(NamedTuple):
    """The mean weights of the last steps, steps, and seconds of all runs together."""

    average: dict[str, Tensor]
    step: int
    seconds: float


def run(
    args: Namespace, network: nn.Module, rate: float, loss_of: Loss, validate: Callable[[dict], str]
) -> Trained:
    """Trains `network` for `args.minutes` in all, resuming from `args.checkpoint`.

    AdamW, rate falling as a cosine of the time; a checkpoint and a line of progress every 100 steps.

    Args:
        args: minutes, checkpoint, device, seed.
        network: on the device.
        rate: the learning rate at its highest.
        loss_of: from the step's random numbers, and the share of the time that is done, to its loss and figures
            to show.
        validate: from weights to what the line says of people held out; every 400 steps.
    """
    optimizer = torch.optim.AdamW(network.parameters(), rate, betas=(0.9, 0.99), weight_decay=1e-4)
    average = {name: value.detach().clone() for name, value in network.state_dict().items()}
    step, seconds = 0, 0.0
    if args.checkpoint.exists():
        kept = torch.load(args.checkpoint, map_location=args.device, weights_only=True)
        network.load_state_dict(kept["network"])
        optimizer.load_state_dict(kept["optimizer"])
        average, step, seconds = kept["average"], kept["step"], kept["seconds"]
    while seconds < 60 * args.minutes:
        start = time.perf_counter()
        shown: dict[str, list[float]] = {}
        for _ in range(STEPS_A_CHECKPOINT):
            done = min(1.0, (seconds + time.perf_counter() - start) / (60 * args.minutes))
            fall = max(LEAST, 0.5 + 0.5 * math.cos(math.pi * done))
            for group in optimizer.param_groups:
                group["lr"] = rate * min(1, (step + 1) / WARMUP) * fall
            loss, figures = loss_of(np.random.default_rng((args.seed, step)), done)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            keep = min(0.997, 1 - 1 / (1 + step))
            for name, value in network.state_dict().items():
                average[name].lerp_(value.detach(), 1 - keep)
            for name, value in figures.items():
                shown.setdefault(name, []).append(float(value))
            step += 1
        seconds += time.perf_counter() - start
        _save(args, network, optimizer, Trained(average, step, seconds))
        line = f"step {step}, {seconds / 60:.1f} of {args.minutes:g} min: "
        line += ", ".join(f"{name} {np.mean(values):.4f}" for name, values in shown.items())
        if step // STEPS_A_CHECKPOINT % CHECKPOINTS_A_VALIDATION == 0:
            line += f"; unseen people: {validate(average)}"
        print(line, flush=True)
    return Trained(average, step, seconds)


def _save(args: Namespace, network: nn.Module, optimizer: torch.optim.Optimizer, trained: Trained) -> None:
    part = args.checkpoint.with_suffix(".part")
    state = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save({**state, **trained._asdict()}, part)
    part.replace(args.checkpoint)
