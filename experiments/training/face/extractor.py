"""Training of the extractor: windows onto labelled pictures, and windows without a face."""

from __future__ import annotations

import math
import time
from argparse import Namespace
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
from lossweep.experiments.training.face.prepare import Labelled, frames, load
from lossweep.experiments.training.face.split import clips_folder

BATCH = 64
POSITIVE = 52
EVERY = 2
RATE = 6e-4
STEPS_A_CHECKPOINT = 100


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


def train(args: Namespace) -> None:
    """Trains for `args.minutes` in all, resuming from `args.checkpoint`; writes weights and card."""
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    model = FaceModel.load()
    labels = load(args.labels)
    pictures = Pictures(args.data, args.labels, labels, model)
    network, shapes = ExtractorNetwork(), Shapes(model)
    network.features.load_state_dict(features())
    network, shapes = network.to(args.device).to(memory_format=torch.channels_last), shapes.to(args.device)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-3)
    step, seconds = 0, 0.0
    if args.checkpoint.exists():
        kept = torch.load(args.checkpoint, map_location=args.device, weights_only=True)
        network.load_state_dict(kept["network"])
        optimizer.load_state_dict(kept["optimizer"])
        step, seconds = kept["step"], kept["seconds"]
    # The last weights are the mean over the last steps.
    average = {name: value.detach().clone() for name, value in network.state_dict().items()}
    if args.checkpoint.exists():
        average = kept["average"]
    while seconds < 60 * args.minutes:
        start, shown = time.perf_counter(), np.zeros(5)
        for _ in range(STEPS_A_CHECKPOINT):
            rng = np.random.default_rng((args.seed, step))
            done = min(1.0, seconds / (60 * args.minutes))
            for group in optimizer.param_groups:
                group["lr"] = (
                    RATE * min(1, (step + 1) / 200) * max(0.01, 0.5 + 0.5 * math.cos(math.pi * done))
                )
            loss, parts = _loss(network, shapes, pictures, rng, args.device)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            keep = min(0.995, 1 - 1 / (1 + step))
            for name, value in network.state_dict().items():
                average[name].lerp_(value.detach(), 1 - keep)
            shown += np.array(parts) / STEPS_A_CHECKPOINT
            step += 1
        seconds += time.perf_counter() - start
        part = args.checkpoint.with_suffix(".part")
        torch.save(
            {
                "network": network.state_dict(),
                "average": average,
                "optimizer": optimizer.state_dict(),
                "step": step,
                "seconds": seconds,
            },
            part,
        )
        part.replace(args.checkpoint)
        print(
            f"step {step}, {seconds / 60:.1f} min: landmarks {shown[0]:.2f} % of eye distance, expression "
            f"{shown[1]:.3f}, eyes {shown[2]:.3f}, rotation {shown[3]:.2f} degrees, presence {shown[4]:.3f}",
            flush=True,
        )
    from lossweep.experiments.training.face.extractor_card import finish

    finish(args, average, labels, step, seconds)


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
