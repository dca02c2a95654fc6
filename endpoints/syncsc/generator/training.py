"""Training of the image generator: squares of 128 pixels, LPIPS and absolute difference, from the bare warp on."""

from __future__ import annotations

import math
import time
from argparse import Namespace
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from endpoints.syncsc.face_model import EYES_AND_LIDS, MOUTH
from endpoints.syncsc.generator.networks import Drawn, Network
from endpoints.syncsc.generator.pairs import Batch, Pairs
from endpoints.syncsc.generator.warp import enlarge, sample
from endpoints.syncsc.prepare import load

BATCH = 6
SQUARE = 128
STEP = 16
"""Corners of the squares stand on multiples of this."""
RATE = 1e-3
STEPS_A_CHECKPOINT = 100
CHECKPOINTS_A_VALIDATION = 4
FRAMES_A_CLIP = 4
WAYS = ("frozen reference", "bare warp", "warped", "edited")


def train(args: Namespace) -> None:
    """Trains for `args.minutes` in all, resuming from `args.checkpoint`; writes weights and card."""
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    labels = load(args.labels)
    pairs = Pairs(args.data, args.labels, labels)
    held_out = Pairs(args.data, args.labels, labels, held_out=True)
    network = Network().to(args.device)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, betas=(0.9, 0.99), weight_decay=1e-4)
    average = {name: value.detach().clone() for name, value in network.state_dict().items()}
    step, seconds = 0, 0.0
    if args.checkpoint.exists():
        kept = torch.load(args.checkpoint, map_location=args.device, weights_only=True)
        network.load_state_dict(kept["network"])
        optimizer.load_state_dict(kept["optimizer"])
        average, step, seconds = kept["average"], kept["step"], kept["seconds"]
    loss_of = losses(args.device)
    perceived = perception(args.device)
    while seconds < 60 * args.minutes:
        start, shown = time.perf_counter(), np.zeros(2)
        for _ in range(STEPS_A_CHECKPOINT):
            rng = np.random.default_rng((args.seed, step))
            done = min(1.0, (seconds + time.perf_counter() - start) / (60 * args.minutes))
            for group in optimizer.param_groups:
                group["lr"] = (
                    RATE * min(1, (step + 1) / 100) * max(0.02, 0.5 + 0.5 * math.cos(math.pi * done))
                )
            batch = pairs.batch(rng, BATCH)
            square = a_square(rng, batch)
            drawn = network(
                *(part.to(args.device) for part in (batch.reference, batch.fields, batch.numbers)), square
            )
            loss, parts = loss_of(drawn, cut(batch.wanted, square).to(args.device))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            keep = min(0.997, 1 - 1 / (1 + step))
            for name, value in network.state_dict().items():
                average[name].lerp_(value.detach(), 1 - keep)
            shown += np.array(parts) / STEPS_A_CHECKPOINT
            step += 1
        seconds += time.perf_counter() - start
        part = args.checkpoint.with_suffix(".part")
        state = {"network": network.state_dict(), "average": average, "optimizer": optimizer.state_dict()}
        torch.save({**state, "step": step, "seconds": seconds}, part)
        part.replace(args.checkpoint)
        line = f"step {step}, {seconds / 60:.1f} of {args.minutes:g} min: LPIPS of the squares {shown[0]:.4f}"
        line += f" (warped alone {shown[1]:.4f})"
        if step // STEPS_A_CHECKPOINT % CHECKPOINTS_A_VALIDATION == 0:
            line += "; unseen people: " + str(validate(average, held_out, perceived, args.device))
        print(line, flush=True)
    from endpoints.syncsc.generator.generator import finish

    finish(args, average, validate(average, held_out, perceived, args.device), step, seconds)


def perception(device: str) -> Callable[[Tensor, Tensor], Tensor]:
    """LPIPS on SqueezeNet's features, [n] of two [n, 3, h, w] in [-1, 1]; stands for the paper's VGG-19 loss."""
    import lpips

    net = lpips.LPIPS(net="squeeze", verbose=False).to(device).eval().requires_grad_(False)
    return lambda a, b: net(a, b).flatten()


def losses(device: str) -> Callable[[Drawn, Tensor], tuple[Tensor, tuple[float, float]]]:
    """The loss of drawn squares, and LPIPS of the edited and of the warped ones."""
    perceived = perception(device)

    def loss(drawn: Drawn, wanted: Tensor) -> tuple[Tensor, tuple[float, float]]:
        edited = perceived(drawn.edited, wanted).mean()
        warped = perceived(drawn.warped, wanted).mean()
        plain = (drawn.edited - wanted).abs().mean() + 0.3 * (drawn.warped - wanted).abs().mean()
        return edited + 0.3 * warped + plain, (float(edited.detach()), float(warped.detach()))

    return loss


def a_square(rng: np.random.Generator, batch: Batch) -> tuple[int, int, int]:
    """A square for the whole batch: half of them around a mouth or the eyes, the others anywhere."""
    most = (256 - SQUARE) // STEP
    if rng.random() < 0.5:
        left, top = rng.integers(0, most + 1, 2) * STEP
        return int(top), int(left), SQUARE
    part = list(MOUTH) if rng.random() < 0.6 else list(EYES_AND_LIDS)
    middle = batch.points[rng.integers(len(batch.points)), part, :2].mean(0) + rng.normal(0, 20, 2)
    left, top = np.clip(np.round((middle - SQUARE / 2) / STEP), 0, most).astype(int) * STEP
    return int(top), int(left), SQUARE


def cut(pictures: Tensor, square: tuple[int, int, int]) -> Tensor:
    """The square (top, left, side) of pictures."""
    top, left, side = square
    return pictures[..., top : top + side, left : left + side]


class Validation(dict[str, float]):
    """Mean LPIPS by way of drawing, over people held out (people count alike)."""

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:.4f}" for name, value in self.items())


@torch.no_grad()
def validate(average: dict[str, Tensor], pairs: Pairs, perceived: Callable, device: str) -> Validation:
    """LPIPS of whole pictures of people held out, from each clip's first frame, by `WAYS`."""
    network = Network().to(device).eval()
    network.load_state_dict(average)
    scores: dict[str, list] = {}
    for clip in pairs.clips:
        batch = pairs.of_clip(clip, np.linspace(1, clip.frames - 1, FRAMES_A_CLIP).astype(int))
        wanted = batch.wanted.to(device)
        reference = batch.reference.to(device)
        drawn = network(reference, batch.fields.to(device), batch.numbers.to(device))
        bare = sample(reference, enlarge(batch.fields[:, :2].to(device)))
        ways = (reference, bare, drawn.warped, drawn.edited)
        scores.setdefault(clip.identity, []).append([float(perceived(p, wanted).mean()) for p in ways])
    people = np.array([np.mean(rows, 0) for rows in scores.values()])
    return Validation(zip(WAYS, people.mean(0).tolist(), strict=True))
