"""Training of the image generator, from the bare warp on: first its motion, then all of it.

Motion is learned from optical flow, which says where hair, neck and background went; pictures from squares of 64
pixels by LPIPS and absolute difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lossweep.endpoints.syncsc.face_model import EYES_AND_LIDS, MOUTH
from lossweep.endpoints.syncsc.generator.generator import SHIPPED
from lossweep.endpoints.syncsc.generator.networks import Drawn, Network
from lossweep.endpoints.syncsc.generator.warp import Squares, cut, enlarge, sample
from lossweep.endpoints.weights import load as load_weights
from lossweep.endpoints.weights import save
from lossweep.experiments.training.face.backbone import lpips_squeeze
from lossweep.experiments.training.face.flow_target import flow_loss, flow_target
from lossweep.experiments.training.face.pairs import Batch, Pairs
from lossweep.experiments.training.face.prepare import load
from lossweep.experiments.training.model_card import ModelCard, Table, training_of
from lossweep.experiments.training.trainer import TrainConfig, Trained, fit

BATCH = 8
ROUNDS = 3
"""Squares of each picture."""
SQUARE = 64
STEP = 16
"""Corners of the squares stand on multiples of this."""
RATE = 6e-4
MOTION_ALONE = 0.15
"""Share of the time in which only motion is learned."""
MOTION_BATCH = 16
MOTION_WEIGHT = 0.03
FRAMES_PER_CLIP = 4
WAYS = ("frozen reference", "bare warp", "warped", "edited")


def train(config: TrainConfig) -> None:
    """Trains for `config.cpu_minutes` in all, resuming from `config.checkpoint`; writes weights and card."""

    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    labels = load(config.labels)
    pairs = Pairs(config.data, config.labels, labels)
    held_out = Pairs(config.data, config.labels, labels, held_out=True)
    network = load_weights(SHIPPED, "generator", Network()).train() if SHIPPED.exists() else Network()
    network = network.to(config.device, memory_format=torch.channels_last)
    loss_of = losses(config.device)
    perceived = lpips_distance(config.device)

    def loss(rng: np.random.Generator, done: float) -> tuple[Tensor, Mapping[str, float]]:
        first = done < MOTION_ALONE
        batch = pairs.batch(rng, MOTION_BATCH if first else BATCH)
        pictured = [batch.reference, batch.fields]
        told = [p.to(config.device, memory_format=torch.channels_last) for p in pictured]
        told.append(batch.numbers.to(config.device))
        flow = [part.to(config.device) for part in flow_target(batch)]
        if first:
            missed = flow_loss(network.motion(*told), *flow)
            return missed, {"motion off by": missed.detach()}
        squares = draw_squares(rng, batch, ROUNDS)
        drawn = network(*told, squares)
        unlike, figures = loss_of(drawn, cut(batch.wanted, squares).to(config.device))
        missed = flow_loss(drawn.displacement, *flow)
        return unlike + MOTION_WEIGHT * missed, {**figures, "motion off by": missed.detach()}

    def unseen(average: dict[str, Tensor]) -> Validation:
        return validate(average, held_out, perceived, config.device)

    trained = fit(config, network, RATE, loss, lambda average: str(unseen(average)))
    finish(config, trained, unseen(trained.average))


def lpips_distance(device: str) -> Callable[[Tensor, Tensor], Tensor]:
    """LPIPS on SqueezeNet's features, [n] of two [n, 3, h, w] in [-1, 1]; stands for the paper's VGG-19 loss."""
    net = lpips_squeeze().to(device)
    return lambda a, b: net(a, b).flatten()


def losses(device: str) -> Callable[[Drawn, Tensor], tuple[Tensor, Mapping[str, float]]]:
    """The loss of drawn squares: LPIPS, absolute difference, and that of their means over 8x8 pixels (colour)."""
    perceived = lpips_distance(device)

    def loss(drawn: Drawn, wanted: Tensor) -> tuple[Tensor, Mapping[str, float]]:
        edited = perceived(drawn.edited, wanted).mean()
        apart = drawn.edited - wanted
        plain = apart.abs().mean() + functional.avg_pool2d(apart, 8).abs().mean()
        warped = (drawn.warped - wanted).abs().mean()
        return edited + plain + 0.3 * warped, {"LPIPS of squares": edited.detach(), "off by": plain.detach()}

    return loss


def draw_squares(rng: np.random.Generator, batch: Batch, rounds: int = 1) -> Squares:
    """Squares of each picture: half where most is to be changed, three of ten at the mouth, two at the eyes."""
    most = (256 - SQUARE) // STEP
    moved = sample(batch.reference, enlarge(batch.fields[:, :2]))
    unlike = functional.avg_pool2d((moved - batch.wanted).abs().mean(1, keepdim=True), SQUARE, STEP)
    corners = []
    for points, places in rounds * list(zip(batch.points, unlike.flatten(1).numpy() + 0.02, strict=True)):
        dice = rng.random()
        if dice < 0.5:
            place = int(rng.choice(places.size, p=places / places.sum(dtype=np.float64)))
            corners.append((STEP * (place // (most + 1)), STEP * (place % (most + 1))))
            continue
        middle = points[list(MOUTH if dice < 0.8 else EYES_AND_LIDS), :2].mean(0) + rng.normal(0, 8, 2)
        left, top = np.clip(np.round((middle - SQUARE / 2) / STEP), 0, most).astype(int) * STEP
        corners.append((int(top), int(left)))
    return Squares(tuple(corners), SQUARE)


class Validation(dict[str, float]):
    """Mean LPIPS, and PSNR in dB, by way of drawing, over people held out (people count alike)."""

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:.4f}" for name, value in self.items())


@torch.no_grad()
def validate(average: dict[str, Tensor], pairs: Pairs, perceived: Callable, device: str) -> Validation:
    """LPIPS of whole pictures of people held out, from each clip's first frame, by `WAYS`."""
    network = Network().to(device).eval()
    network.load_state_dict(average)

    def score(batch: Batch) -> list[float]:
        wanted, reference = batch.wanted.to(device), batch.reference.to(device)
        drawn = network(reference, batch.fields.to(device), batch.numbers.to(device))
        bare = sample(reference, enlarge(batch.fields[:, :2].to(device)))
        ways = [p.clamp(-1, 1) for p in (reference, bare, drawn.warped, drawn.edited)]
        near = [float(perceived(p, wanted).mean()) for p in ways]
        return near + [
            float((-10 * ((p - wanted) / 2).square().mean((1, 2, 3)).log10()).mean()) for p in ways
        ]

    names = [*WAYS, *(f"{way} dB" for way in WAYS)]
    return Validation(zip(names, pairs.mean_over_people(FRAMES_PER_CLIP, score), strict=True))


def finish(config: TrainConfig, trained: Trained, unseen: dict[str, float]) -> None:
    """Writes float16 weights and card into `config.out`; `unseen` is the last validation."""
    path = config.out / SHIPPED.name
    save(path, trained.average)
    network = Network()
    parts = {n: sum(p.numel() for p in getattr(network, n).parameters()) for n in network._modules}
    ModelCard(
        title="Image generator",
        files=[path.name],
        summary=[
            f"Mapping, warping and editing network: {', '.join(f'{n} {c:,}' for n, c in parts.items())} parameters; "
            f"{path.stat().st_size / 1e6:.1f} MB as float16."
        ],
        data=[
            "Talking-face clips of the training people (split.py), mirrored and with changed colours: pairs of a "
            "reference and another frame of the clip, squares of 64 pixels, coefficients from the landmarks of "
            "MediaPipe's face landmarker. Frames of weight 0 are left out; large moves and shut eyes are drawn more "
            "often. Training goes on from the weights that ship.",
            "Loss: LPIPS on SqueezeNet's features (in place of the paper's VGG-19) and absolute "
            "difference. The reported metric is also the training loss.",
        ],
        command="python -m lossweep.experiments.training.face.train generator --data DIR",
        training=training_of(config, trained),
        tables=[
            Table(
                "LPIPS (squeeze) and PSNR on held-out people, first frame as reference, coefficients from the "
                "landmarks:",
                [*unseen],
                [[*unseen.values()]],
            )
        ],
    ).write(config.out, "generator")
