"""The training loop of all networks: a budget of CPU time, checkpoints, resuming, averaged weights."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

STEPS_PER_CHECKPOINT = 100
CHECKPOINTS_PER_VALIDATION = 4
WARMUP_STEPS = 100
LOWEST_RATE = 0.02
"""Learning rate at the end, as a share of its start."""
EMA_DECAY = 0.997
"""Of the averaged weights; less in the first steps, so that a short training's average has forgotten its start."""

Step = Callable[[np.random.Generator, float], Mapping[str, float]]
"""One step: from its random numbers and the share of the budget that is used, to figures to show."""


@dataclass(frozen=True)
class TrainConfig:
    """Settings that all trainings share.

    Attributes:
        data: folder of the clips or texts.
        labels: folder that `prepare` wrote.
        out: folder for weights and card.
        checkpoint: file; a training resumes from it.
        cpu_minutes: CPU time of the process, all threads and all runs together.
        device: "cpu" or "cuda".
        threads: CPU threads.
        seed: of weights and data.
    """

    data: Path
    labels: Path
    out: Path
    checkpoint: Path
    cpu_minutes: float
    device: str = "cpu"
    threads: int = 1
    seed: int = 1


@dataclass(frozen=True)
class Trained:
    """A finished training.

    Attributes:
        average: exponentially averaged weights.
        step: steps done.
        cpu_seconds: CPU time of all runs together.
    """

    average: dict[str, Tensor]
    step: int
    cpu_seconds: float


def descend(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss: Callable[[np.random.Generator, float], tuple[Tensor, Mapping[str, float]]],
    max_norm: float = 1.0,
) -> Step:
    """The step of a network that minimises one loss; gradients are clipped to `max_norm`."""

    def step(rng: np.random.Generator, used: float) -> Mapping[str, float]:
        value, figures = loss(rng, used)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), max_norm)
        optimizer.step()
        return figures

    return step


def fit(
    config: TrainConfig,
    network: nn.Module,
    rate: float,
    loss: Callable[[np.random.Generator, float], tuple[Tensor, Mapping[str, float]]],
    validate: Callable[[dict[str, Tensor]], str],
) -> Trained:
    """The usual case of `train`: one network, one loss, AdamW with learning rate `rate`."""
    optimizer = torch.optim.AdamW(network.parameters(), rate, betas=(0.9, 0.99), weight_decay=1e-4)
    return train(config, network, {"optimizer": optimizer}, descend(network, optimizer, loss), validate)


def train(
    config: TrainConfig,
    network: nn.Module,
    optimizers: Mapping[str, torch.optim.Optimizer],
    step: Step,
    validate: Callable[[dict[str, Tensor]], str],
    *,
    beside: Mapping[str, nn.Module] | None = None,
) -> Trained:
    """Takes steps until the CPU time is used up, resuming from the checkpoint.

    The learning rates rise over 100 steps and fall as a cosine of the time used. A checkpoint and a line with the
    time left every 100 steps, a validation every 400.

    Args:
        network: on the device; its weights are averaged.
        optimizers: by name; the rates they were made with are the highest.
        step: takes one step with these optimizers.
        validate: from averaged weights to what the line says of held-out data.
        beside: other networks that learn at the same time (a discriminator).
    """
    rates = {name: [group["lr"] for group in one.param_groups] for name, one in optimizers.items()}
    averaged = AveragedModel(network, multi_avg_fn=_average, use_buffers=True)
    parts: dict[str, Any] = {"network": network, "averaged": averaged, **optimizers, **(beside or {})}
    done, cpu_seconds = _resume(config, parts)
    budget_s = 60 * config.cpu_minutes
    while cpu_seconds < budget_s:
        start_s, figures = time.process_time(), dict[str, list[float]]()
        for _ in range(STEPS_PER_CHECKPOINT):
            used = min(1.0, (cpu_seconds + time.process_time() - start_s) / budget_s)
            share = min(1.0, (done + 1) / WARMUP_STEPS) * max(
                LOWEST_RATE, 0.5 + 0.5 * math.cos(math.pi * used)
            )
            for name, one in optimizers.items():
                for group, rate in zip(one.param_groups, rates[name], strict=True):
                    group["lr"] = rate * share
            for name, value in step(np.random.default_rng((config.seed, done)), used).items():
                figures.setdefault(name, []).append(float(value))
            averaged.update_parameters(network)
            done += 1
            if used == 1.0:
                break
        cpu_seconds += time.process_time() - start_s
        _save(config, parts, done, cpu_seconds)
        line = ", ".join(f"{name} {np.mean(values):.4f}" for name, values in figures.items())
        if done // STEPS_PER_CHECKPOINT % CHECKPOINTS_PER_VALIDATION == 0 or cpu_seconds >= budget_s:
            line += f"; held out: {validate(_weights(averaged))}"
        left_min = max(0.0, budget_s - cpu_seconds) / 60
        print(f"step {done}, {left_min:.1f} CPU minutes left: {line}", flush=True)
    return Trained(_weights(averaged), done, cpu_seconds)


def _average(averaged: Any, current: Any, count: Any) -> None:
    """Moves the averages towards the weights, as `AveragedModel` asks for; `count` averages were done before."""
    done = float(count)
    get_ema_multi_avg_fn(min(EMA_DECAY, (1 + done) / (10 + done)))(averaged, current, count)


def _weights(averaged: AveragedModel) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in averaged.module.state_dict().items()}


def _resume(config: TrainConfig, parts: Mapping[str, Any]) -> tuple[int, float]:
    """Steps and CPU seconds of the checkpoint, whose state the parts take on; 0 and 0 where there is none."""
    if not config.checkpoint.exists():
        return 0, 0.0
    kept = torch.load(config.checkpoint, map_location=config.device, weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(kept[name])
    print(f"resumed at step {kept['step']}, {kept['cpu_seconds'] / 60:.1f} CPU minutes used", flush=True)
    return kept["step"], kept["cpu_seconds"]


def _save(config: TrainConfig, parts: Mapping[str, Any], done: int, cpu_seconds: float) -> None:
    config.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    part = config.checkpoint.with_suffix(".part")
    state = {name: one.state_dict() for name, one in parts.items()}
    torch.save({**state, "step": done, "cpu_seconds": cpu_seconds}, part)
    part.replace(config.checkpoint)
