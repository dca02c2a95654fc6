"""Training of the extractor's finder: windows onto labelled pictures, and windows without a face."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from lossweep.endpoints.syncsc.extractor_network import LOOK_SIDE, ExtractorNetwork, Window, around
from lossweep.endpoints.syncsc.face_model import EYES_AND_LIDS, IRIS, LIDS, MOUTH, FaceModel
from lossweep.endpoints.weights import load as load_weights
from lossweep.experiments.training.face.augmentation import augment, windows_without_face
from lossweep.experiments.training.face.extractor_card import finish
from lossweep.experiments.training.face.pictures import pictures
from lossweep.experiments.training.face.prepare import Labelled, load
from lossweep.experiments.training.trainer import TrainConfig, fit

LIPS = ((13, 14), (82, 87), (312, 317), (61, 291))
"""Pairs of points whose distances measure the opening of the mouth."""
BATCH = 32
POSITIVE = 26
RATE = 2e-4
FIRST_LOOKS = 0.4
"""Share of the windows that are like a first look: a face somewhere in the picture."""
START = "face_mesh.safetensors"
"""MediaPipe's weights beside the labels, made by `lossweep.experiments.training.face.face_mesh_weights`."""


class Pictures:
    """The training people's frames with their labels, mirrored by half; or those of the people who validate.

    People have equal weight; a person's clips are weighted by the square root of their length, frames by their weight.
    """

    def __init__(self, data: Path, folder: Path, labels: Labelled, validates: bool = False) -> None:
        self.labels, self.pictures = labels, pictures(data, labels, folder)
        self.opposite = FaceModel.load().mirrored
        clips = [c for c in labels.clips if (c.validates if validates else not c.held_out)]
        root = {c.file: c.frames**0.5 for c in clips}
        whole = {c.identity: 0.0 for c in clips}
        for clip in clips:
            whole[clip.identity] += root[clip.file]
        self.rows = np.concatenate([np.arange(c.first, c.first + c.frames) for c in clips])
        share = [root[c.file] / whole[c.identity] ** 0.5 / c.frames for c in clips]
        chance = np.repeat(share, [c.frames for c in clips]) * labels.weight[self.rows].astype(np.float64)
        self.chance = chance / chance.sum()

    def batch(self, rng: np.random.Generator, count: int) -> tuple[Tensor, Tensor]:
        """Pictures float32 [n, 3, 256, 256] in [0, 1] and points float32 [n, 478, 3] in pixels."""
        rows = np.sort(rng.choice(self.rows, count, p=self.chance))
        shown = torch.from_numpy(self.pictures[rows]).permute(0, 3, 1, 2).float() / 255
        points = self.labels.points(rows)
        side = rng.integers(0, 2, count)
        mirror = points[:, self.opposite] * np.float32([-1, 1, 1]) + np.float32([256, 0, 0])
        points = np.where(side[:, None, None] == 1, mirror, points)
        return torch.where(torch.from_numpy(side).view(-1, 1, 1, 1) == 1, shown.flip(-1), shown), (
            torch.from_numpy(points)
        )


def train(config: TrainConfig) -> None:
    """Trains the finder from MediaPipe's weights; writes weights and card; see `trainer.fit`."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    labels = load(config.labels)
    data = Pictures(config.data, config.labels, labels)
    unseen = Pictures(config.data, config.labels, labels, validates=True)
    network = ExtractorNetwork().to(config.device, memory_format=torch.channels_last)
    for part in (network.reader, network.finder):
        load_weights(config.labels / START, "face-mesh", part)

    def loss(rng: np.random.Generator, used: float) -> tuple[Tensor, Mapping[str, float]]:
        return _loss(network, data, rng, config.device)

    def validate(average: dict[str, Tensor]) -> str:
        mean = ExtractorNetwork().to(config.device).eval()
        mean.finder.load_state_dict(average)
        with torch.no_grad():
            rows = [_loss(mean, unseen, np.random.default_rng(i), config.device)[1] for i in range(4)]
        return ", ".join(f"{name} {np.mean([row[name] for row in rows]):.3f}" for name in rows[0])

    trained = fit(config, network.finder.train(), RATE, loss, validate)
    network.finder.load_state_dict(trained.average)
    finish(config, network, trained, labels)


def _loss(
    network: ExtractorNetwork, data: Pictures, rng: np.random.Generator, device: str
) -> tuple[Tensor, Mapping[str, float]]:
    """The loss of a batch; and landmarks in % of the eye distance, in first looks and in next looks."""
    shown, points = data.batch(rng, POSITIVE)
    first = rng.random(POSITIVE) < FIRST_LOOKS
    window = _windows(points, first, rng)
    looked = augment(window.look(shown), rng)
    empty = augment(windows_without_face(shown, points, BATCH - POSITIVE, rng), rng)
    seen = network(torch.cat([looked, empty]).to(device), find=True)
    present = torch.zeros(BATCH, device=device)
    present[:POSITIVE] = 1
    presence = functional.binary_cross_entropy_with_logits(seen.presence, present)
    found, target = seen.points[:POSITIVE], window.inside(points).to(device)
    eyes = torch.linalg.norm(target[:, 33] - target[:, 263], dim=-1)[:, None]
    flat = torch.linalg.norm((found - target)[..., :2], dim=-1) / eyes
    depth = ((found - target)[..., 2] / eyes).abs().mean()
    weights = torch.ones(478, device=device)
    weights[list(MOUTH)], weights[list(EYES_AND_LIDS)], weights[list(IRIS)] = 3, 3, 0.3
    lips = _gaps(found, target, LIPS) / eyes
    lids = _gaps(found, target, (*LIDS[0], *LIDS[1])) / eyes
    loss = 10 * (flat * weights).sum(1).div(weights.sum()).mean() + 3 * depth
    loss = loss + 10 * (lips.mean() + lids.mean()) + 0.3 * presence
    each = 100 * flat.detach().mean(1).cpu().numpy()
    return loss, {
        "first looks": float(each[first].mean()) if first.any() else 0.0,
        "next looks": float(each[~first].mean()) if not first.all() else 0.0,
        "presence": float(presence.detach()),
    }


def _gaps(found: Tensor, target: Tensor, pairs: tuple[tuple[int, int], ...]) -> Tensor:
    def gap(points: Tensor) -> Tensor:
        return torch.stack(
            [torch.linalg.norm((points[:, a] - points[:, b])[..., :2], dim=-1) for a, b in pairs], 1
        )

    return (gap(found) - gap(target)).abs()


def _windows(points: Tensor, first: np.ndarray, rng: np.random.Generator) -> Window:
    """Windows like a first look where `first` says so, else like the next one (around the face's box)."""
    count, box, one = len(points), around(points, 1.0), torch.from_numpy(first)

    def normal(*shape: int) -> Tensor:
        return torch.from_numpy(rng.standard_normal(shape).astype(np.float32))

    wide = torch.from_numpy(rng.uniform(1.15, 2.8, count).astype(np.float32))
    room = (wide - 1).clamp(max=1.2)[:, None] * torch.from_numpy(
        rng.uniform(-0.9, 0.9, (count, 2)).astype(np.float32)
    )
    close = LOOK_SIDE * torch.exp(0.08 * normal(count))
    half = box.half * torch.where(one, wide, close)
    shift = torch.where(one[:, None], room, 0.08 * normal(count, 2)) * box.half[:, None]
    turn = torch.where(one, 0.2 * normal(count), box.turn + 0.07 * normal(count))
    return Window(box.middle + shift, half, turn)
