"""Training of the flow network on real pictures that are moved by known, smooth fields."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lossweep.endpoints.jscc.flow_network import SCALE, FlowNetwork, warp
from lossweep.endpoints.weights import save
from lossweep.experiments.training.jscc.sequences import CROP, Sequences
from lossweep.experiments.training.trainer import TrainConfig, fit

BATCH = 8
RATE = 1e-3
SHIFT, STRETCH, TURN, BEND = 10.0, 0.08, 0.08, 4.0
"""Standard deviations: shift in pixels, change of size, rotation in radians, and the smooth rest in pixels."""
LONGEST = 32.0
NOISE = 0.08
"""Highest standard deviation of noise on the pictures: at the receiver they are noisy."""


def train(config: TrainConfig) -> None:
    """Trains for `config.cpu_minutes` in all, resuming from `config.checkpoint`; writes weights."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    sequences = Sequences.load(config.labels)
    network = FlowNetwork().to(memory_format=torch.channels_last)
    natural, faces = (pictures[:, 0] for pictures in sequences.held_out(1))

    def loss(rng: np.random.Generator, used: float) -> tuple[Tensor, Mapping[str, float]]:
        first = sequences.batch(rng, BATCH, 1)[:, 0]
        field = fields(rng, BATCH, CROP, CROP)
        second = warp(first, field)
        noise = [
            NOISE * rng.random() * torch.from_numpy(rng.standard_normal(first.shape)).float()
            for _ in range(2)
        ]
        found = network(second + noise[0], first + noise[1])[0]
        error = end_point_error(found, field)
        return error, {"end-point error": float(error)}

    def validate(average: dict[str, Tensor]) -> str:
        tried = FlowNetwork()
        tried.load_state_dict(average)
        errors = [held_out_error(tried.eval(), pictures[:16]) for pictures in (natural, faces)]
        return "end-point error {:.2f} natural, {:.2f} faces (no flow: {:.2f})".format(
            *errors, held_out_error(None, natural[:16])
        )

    trained = fit(config, network, RATE, loss, validate)
    save(config.out / "flow.safetensors", trained.average)


def fields(rng: np.random.Generator, count: int, height: int, width: int) -> Tensor:
    """Smooth random fields, float32 [count, 2, height, width] in pixels: shift, size, rotation and a smooth rest."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = x - width / 2, y - height / 2
    out = np.empty((count, 2, height, width), np.float32)
    for i in range(count):
        grow, turn = STRETCH * rng.standard_normal(), TURN * rng.standard_normal()
        shift = SHIFT * rng.standard_normal(2) * rng.random()
        out[i] = grow * x - turn * y + shift[0], turn * x + grow * y + shift[1]
    bends = torch.from_numpy(BEND * rng.standard_normal((count, 2, 4, 4))).float()
    smooth = functional.interpolate(bends, (height, width), mode="bicubic", align_corners=True)
    return (torch.from_numpy(out) + smooth).clamp(-LONGEST, LONGEST)


def end_point_error(found: Tensor, field: Tensor) -> Tensor:
    """Mean distance in pixels of a flow at an eighth of the resolution from the mean of the true one there."""
    return (found - functional.avg_pool2d(field, SCALE)).square().sum(1).add(1e-6).sqrt().mean()


@torch.inference_mode()
def held_out_error(network: FlowNetwork | None, pictures: Tensor) -> float:
    """End-point error on pictures that validate; of no flow at all where there is no network."""
    field = fields(np.random.default_rng(11), len(pictures), *pictures.shape[2:])
    found = torch.zeros(()) if network is None else network(warp(pictures, field), pictures)[0]
    return float(end_point_error(found, field))
