"""Training of the extractor: windows onto labelled pictures, and windows without a face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from lossweep.endpoints.syncsc.extractor_network import (
    ExtractorNetwork,
    Seen,
    Shapes,
    Window,
    around,
    turned,
)
from lossweep.endpoints.syncsc.face_model import (
    EXPRESSION,
    EYES,
    EYES_AND_LIDS,
    IRIS,
    MOUTH,
    ROTATION,
    FaceModel,
    mirrored_points,
)
from lossweep.experiments.training.face.augmentation import disturbed, without_face
from lossweep.experiments.training.face.backbone import features
from lossweep.experiments.training.face.extractor_card import finish
from lossweep.experiments.training.face.prepare import Labelled, frames, load
from lossweep.experiments.training.face.split import clips_folder
from lossweep.experiments.training.trainer import TrainConfig, descend
from lossweep.experiments.training.trainer import train as train_network

BATCH = 64
POSITIVE = 52
EVERY = 2
RATE = 6e-4
FIGURES = ("landmarks, % of eye distance", "expression", "eyes", "rotation, degrees", "presence")


class Pictures:
    """Every second frame of the training people's clips with its labels, and the same mirrored.

    Attributes:
        pictures: uint8 [n, 256, 256, 3], memory-mapped (made on first use beside the labels).
        points: float32 [2, n, 478, 3], as they are and mirrored.
        identity: float32 [2, n, 80]; coefficients: float32 [2, n, 16].
    """

    def __init__(self, data: Path, folder: Path, labels: Labelled, model: FaceModel) -> None:
        clips = [clip for clip in labels.clips if not clip.held_out]
        rows = np.concatenate([np.arange(c.first, c.first + c.frames, EVERY) for c in clips])
        path = folder / "pictures_training.npy"
        if not path.exists():
            part = path.with_suffix(".part.npy")
            kept = np.lib.format.open_memmap(part, "w+", np.uint8, (len(rows), 256, 256, 3))
            at = 0
            for clip in clips:
                for i, picture in enumerate(frames(clips_folder(data) / clip.file)):
                    if i % EVERY == 0:
                        kept[at] = picture
                        at += 1
            kept.flush()
            part.rename(path)
        self.pictures = np.load(path, mmap_mode="r")
        opposite = mirrored_points(model.mean)
        points, identities, coefficients = ([], []), ([], []), ([], [])
        for clip in clips:
            straight = labels.points(slice(clip.first, clip.first + clip.frames, EVERY))
            mirror = straight[:, opposite] * np.float32([-1, 1, 1]) + np.float32([256, 0, 0])
            for side, p in enumerate((straight, mirror)):
                identity, c = model.fit(p)
                points[side].append(p)
                identities[side].append(np.repeat(identity[None], len(p), 0))
                coefficients[side].append(c)
        self.points, self.identity, self.coefficients = (
            torch.from_numpy(np.stack([np.concatenate(side) for side in both]))
            for both in (points, identities, coefficients)
        )
        # Clips count by the square root of their length.
        lengths = [len(range(0, c.frames, EVERY)) for c in clips]
        chance = np.concatenate([np.full(n, n**-0.5) for n in lengths])
        self.chance = chance / chance.sum()

    def batch(self, rng: np.random.Generator, count: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Pictures [n, 3, 256, 256] in [0, 1], points, identity, coefficients; half of them mirrored."""
        rows = np.sort(rng.choice(len(self.pictures), count, p=self.chance))
        side = torch.from_numpy(rng.integers(0, 2, count))
        pictures = torch.from_numpy(self.pictures[rows]).permute(0, 3, 1, 2).float() / 255
        pictures = torch.where(side.view(-1, 1, 1, 1) == 1, pictures.flip(-1), pictures)
        rows = torch.from_numpy(rows)
        return pictures, self.points[side, rows], self.identity[side, rows], self.coefficients[side, rows]


def train(config: TrainConfig) -> None:
    """Trains and writes weights and card; see `trainer.train`."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    model = FaceModel.load()
    labels = load(config.labels)
    pictures = Pictures(config.data, config.labels, labels, model)
    network, shapes = ExtractorNetwork(), Shapes(model).to(config.device)
    network.features.load_state_dict(features())
    network = network.to(config.device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-3)

    def loss(rng: np.random.Generator, used: float) -> tuple[Tensor, dict[str, float]]:
        value, parts = _loss(network, shapes, pictures, rng, config.device)
        return value, dict(zip(FIGURES, parts, strict=True))

    step = descend(network, optimizer, loss, max_norm=5.0)
    trained = train_network(config, network, {"optimizer": optimizer}, step, lambda average: "see the card")
    finish(config, trained, labels)


def _loss(
    network: ExtractorNetwork, shapes: Shapes, data: Pictures, rng: np.random.Generator, device: str
) -> tuple[Tensor, tuple[float, ...]]:
    pictures, points, identity, c = data.batch(rng, POSITIVE)
    window = _windows(points, rng)
    looked = disturbed(window.look(pictures), rng)
    empty = disturbed(without_face(pictures, points, BATCH - POSITIVE, rng), rng)
    seen = network(torch.cat([looked, empty]).to(device))
    present = torch.zeros(BATCH, device=device)
    present[:POSITIVE] = 1
    presence = functional.binary_cross_entropy_with_logits(seen.presence, present)
    seen = Seen(*(part[:POSITIVE] for part in seen))
    target = window.inside(points).to(device)
    eyes = torch.linalg.norm(target[:, 33] - target[:, 263], dim=-1)[:, None]
    rebuilt = shapes(seen)
    flat = torch.linalg.norm((rebuilt - target)[..., :2], dim=-1) / eyes
    depth = (rebuilt - target)[..., 2] / eyes
    depth = (depth - depth.mean(1, keepdim=True)).abs().mean()
    weights = torch.ones(478, device=device)
    weights[list(MOUTH)], weights[list(EYES_AND_LIDS)], weights[list(IRIS)] = 3, 3, 0.3
    lips = _gaps(rebuilt, target, ((13, 14), (82, 87), (312, 317), (61, 291))) / eyes
    lids = _gaps(rebuilt, target, ((159, 145), (386, 374))) / eyes
    c = c.to(device)
    expression = functional.smooth_l1_loss(seen.expression, c[:, EXPRESSION])
    opening = ((seen.opening - c[:, EYES]).abs() / 0.085).mean()
    person = functional.mse_loss(seen.identity, identity.to(device))
    upright = turned(torch.stack([0 * window.turn, 0 * window.turn, -window.turn], -1)).to(device)
    true = upright @ turned(c[:, ROTATION])
    angle = (turned(seen.rotation) - true).square().sum((1, 2)).div(2).add(1e-9).sqrt()
    loss = (
        10 * (flat * weights).sum(1).div(weights.sum()).mean()
        + 2 * depth
        + 10 * (lips.mean() + lids.mean())
        + 0.3 * expression
        + 0.2 * opening
        + 0.05 * person
        + 3 * angle.mean()
        + 0.3 * presence
    )
    parts = (100 * flat.mean(), expression, opening, torch.rad2deg(angle.mean()), presence)
    return loss, tuple(float(torch.as_tensor(p).detach()) for p in parts)


def _gaps(rebuilt: Tensor, target: Tensor, pairs: tuple[tuple[int, int], ...]) -> Tensor:
    def gap(points: Tensor) -> Tensor:
        return torch.stack(
            [torch.linalg.norm((points[:, a] - points[:, b])[..., :2] + 1e-6, dim=-1) for a, b in pairs], -1
        )

    return (gap(rebuilt) - gap(target)).abs()


def _windows(points: Tensor, rng: np.random.Generator) -> Window:
    """Half of them like a first look (a picture with a face somewhere), half like the second (the face's box)."""
    count = len(points)
    box = around(points, 1.0)
    first = torch.from_numpy(rng.random(count) < 0.4)

    def normal(*shape: int) -> Tensor:
        return torch.from_numpy(rng.standard_normal(shape).astype(np.float32))

    wide = torch.from_numpy(rng.uniform(1.15, 2.8, count).astype(np.float32))
    room = (wide - 1).clamp(max=1.2)[:, None] * torch.from_numpy(
        rng.uniform(-0.9, 0.9, (count, 2)).astype(np.float32)
    )
    close = 1.3 * torch.exp(0.08 * normal(count))
    half = box.half * torch.where(first, wide, close)
    shift = torch.where(first[:, None], room, 0.08 * normal(count, 2)) * box.half[:, None]
    turn = torch.where(first, 0.2 * normal(count), box.turn + 0.07 * normal(count))
    return Window(box.middle + shift, half, turn)
