"""Training of the keypoint baseline: the generator's pairs and losses, and equivariance of the keypoints.

It starts from optical flow, as the generator does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lossweep.endpoints.syncsc.fom.networks import FomNetwork
from lossweep.endpoints.syncsc.fom.renderer import SHIPPED
from lossweep.endpoints.syncsc.generator.warp import cut
from lossweep.endpoints.weights import save
from lossweep.experiments.training.face.flow_target import flow_loss, flow_target
from lossweep.experiments.training.face.generator import (
    FRAMES_PER_CLIP,
    MOTION_WEIGHT,
    Validation,
    draw_squares,
    losses,
    lpips_distance,
)
from lossweep.experiments.training.face.pairs import Batch, Pairs
from lossweep.experiments.training.face.prepare import load
from lossweep.experiments.training.model_card import ModelCard, Table, training_of
from lossweep.experiments.training.trainer import TrainConfig, Trained, fit

BATCH = 12
RATE = 1e-3
MOTION_ALONE = 0.6
"""Share of the training time for motion and keypoints alone."""
EQUIVARIANCE_WEIGHT = 10.0
"""Weight of the equivariance loss, as in the source."""


def train(config: TrainConfig) -> None:
    """Trains for `config.cpu_minutes` in all, resuming from `config.checkpoint`; writes weights and card."""

    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    labels = load(config.labels)
    pairs = Pairs(config.data, config.labels, labels)
    held_out = Pairs(config.data, config.labels, labels, held_out=True)
    network = FomNetwork().to(config.device)
    loss_of = losses(config.device)
    lpips = lpips_distance(config.device)

    def loss(rng: np.random.Generator, done: float) -> tuple[Tensor, Mapping[str, float]]:
        batch = pairs.batch(rng, BATCH)
        reference, wanted = batch.reference.to(config.device), batch.wanted.to(config.device)
        here, there = network.detector(torch.cat([reference, wanted])).chunk(2)
        flow = [part.to(config.device) for part in flow_target(batch)]
        follows = EQUIVARIANCE_WEIGHT * equivariance_loss(network, wanted, there, rng)
        if done < MOTION_ALONE:
            missed = flow_loss(network.displacement(reference, here, there), *flow)
            return missed + follows, {"motion off by": missed.detach(), "following": follows.detach()}
        squares = draw_squares(rng, batch)
        drawn = network(reference, here, there, squares)
        pictured, figures = loss_of(drawn, cut(wanted, squares))
        missed = flow_loss(drawn.displacement, *flow)
        whole = pictured + MOTION_WEIGHT * missed + 0.1 * follows
        return whole, {**figures, "motion off by": missed.detach(), "following": follows.detach()}

    def unseen(average: dict[str, Tensor]) -> Validation:
        return validate(average, held_out, lpips, config.device)

    trained = fit(config, network, RATE, loss, lambda average: str(unseen(average)))
    finish(config, trained, unseen(trained.average))


def equivariance_loss(
    network: FomNetwork, pictures: Tensor, found: Tensor, rng: np.random.Generator
) -> Tensor:
    """Mean distance between the keypoints of a transformed picture and the transformed keypoints."""
    angle, size = rng.uniform(-0.4, 0.4), rng.uniform(0.85, 1.15)
    turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = torch.tensor(turn, dtype=torch.float32, device=pictures.device)
    shift = torch.tensor(rng.uniform(-0.15, 0.15, 2), dtype=torch.float32, device=pictures.device)
    theta = torch.cat([matrix, shift[:, None]], 1).expand(len(pictures), 2, 3)
    grid = functional.affine_grid(theta, [len(pictures), 3, 64, 64], align_corners=False)
    turned = functional.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
    return (network.detector(turned) @ matrix.T + shift - found).abs().mean()


@torch.no_grad()
def validate(average: dict[str, Tensor], pairs: Pairs, lpips: Callable, device: str) -> Validation:
    """LPIPS of whole pictures of people held out, from each clip's first frame: frozen, warped, edited."""
    network = FomNetwork().to(device).eval()
    network.load_state_dict(average)

    def score(batch: Batch) -> list[float]:
        wanted, reference = batch.wanted.to(device), batch.reference.to(device)
        drawn = network(reference, network.detector(reference), network.detector(wanted))
        return [float(lpips(p, wanted).mean()) for p in (reference, drawn.warped, drawn.edited)]

    names = ("frozen reference", "warped", "edited")
    return Validation(zip(names, pairs.mean_over_people(FRAMES_PER_CLIP, score), strict=True))


def finish(config: TrainConfig, trained: Trained, unseen: dict[str, float]) -> None:
    """Writes float16 weights and card into `config.out`; `unseen` is the last validation."""
    path = config.out / SHIPPED.name
    save(path, trained.average)
    count = sum(p.numel() for p in FomNetwork().parameters())
    ModelCard(
        title="Keypoint baseline",
        files=[path.name],
        summary=[
            f"First-order-motion style, 8 keypoints without Jacobians; {count:,} parameters, "
            f"{path.stat().st_size / 1e6:.1f} MB as float16."
        ],
        data=[
            "The pairs and losses of the image generator (flow first), and an equivariance loss of the keypoints "
            "under rotation. No labels."
        ],
        command="python -m lossweep.experiments.training.face.train fom --data DIR",
        training=training_of(config, trained),
        tables=[
            Table(
                "LPIPS (squeeze) on held-out people, first frame as reference:",
                [*unseen],
                [[*unseen.values()]],
            )
        ],
    ).write(config.out, "fom")
