"""Training of the image generator, starting from the bare warp: first its motion, then all of it.

The target of motion is optical flow, which includes hair, neck and background. The loss of pictures is LPIPS and
absolute difference on squares of 64 pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from lossweep.endpoints.syncsc.face_model import EYES_AND_LIDS, MOUTH
from lossweep.endpoints.syncsc.generator.generator import SHIPPED
from lossweep.endpoints.syncsc.generator.networks import Drawn, Network
from lossweep.endpoints.syncsc.generator.warp import Squares, cut, enlarge, sample
from lossweep.endpoints.weights import save
from lossweep.experiments.training.face.backbone import lpips_squeeze
from lossweep.experiments.training.face.flow_target import flow_loss, flow_target
from lossweep.experiments.training.face.pairs import Batch, Pairs
from lossweep.experiments.training.face.prepare import load
from lossweep.experiments.training.model_card import ModelCard, Table, training_of
from lossweep.experiments.training.trainer import TrainConfig, Trained, fit

BATCH = 12
SQUARE = 64
STEP = 16
"""Corners of the squares are at multiples of this."""
RATE = 1e-3
MOTION_ALONE = 0.2
"""Share of the training time for motion alone."""
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
    network = Network().to(config.device)
    loss_of = losses(config.device)
    lpips = lpips_distance(config.device)

    def loss(rng: np.random.Generator, done: float) -> tuple[Tensor, Mapping[str, float]]:
        first = done < MOTION_ALONE
        batch = pairs.batch(rng, MOTION_BATCH if first else BATCH)
        told = [part.to(config.device) for part in (batch.reference, batch.fields, batch.numbers)]
        flow = [part.to(config.device) for part in flow_target(batch)]
        if first:
            missed = flow_loss(network.motion(*told), *flow)
            return missed, {"motion off by": missed.detach()}
        squares = draw_squares(rng, batch)
        drawn = network(*told, squares)
        pictured, figures = loss_of(drawn, cut(batch.wanted, squares).to(config.device))
        missed = flow_loss(drawn.displacement, *flow)
        return pictured + MOTION_WEIGHT * missed, {**figures, "motion off by": missed.detach()}

    def unseen(average: dict[str, Tensor]) -> Validation:
        return validate(average, held_out, lpips, config.device)

    trained = fit(config, network, RATE, loss, lambda average: str(unseen(average)))
    finish(config, trained, unseen(trained.average))


def lpips_distance(device: str) -> Callable[[Tensor, Tensor], Tensor]:
    """LPIPS on SqueezeNet's features, [n] of two [n, 3, h, w] in [-1, 1]; in place of the paper's VGG-19 loss."""
    net = lpips_squeeze().to(device)
    return lambda a, b: net(a, b).flatten()


def losses(device: str) -> Callable[[Drawn, Tensor], tuple[Tensor, Mapping[str, float]]]:
    """The loss of drawn squares, and LPIPS of the edited and of the warped ones."""
    lpips = lpips_distance(device)

    def loss(drawn: Drawn, wanted: Tensor) -> tuple[Tensor, Mapping[str, float]]:
        edited = lpips(drawn.edited, wanted).mean()
        warped = lpips(drawn.warped, wanted).mean()
        plain = (drawn.edited - wanted).abs().mean() + 0.3 * (drawn.warped - wanted).abs().mean()
        return edited + 0.3 * warped + plain, {"LPIPS of squares": edited.detach(), "warped": warped.detach()}

    return loss


def draw_squares(rng: np.random.Generator, batch: Batch) -> Squares:
    """One square per picture: 60 % around the mouth, 20 % around the eyes, 20 % anywhere."""
    most = (256 - SQUARE) // STEP
    corners = []
    for points in batch.points:
        dice = rng.random()
        if dice < 0.2:
            corners.append(tuple(int(i) for i in rng.integers(0, most + 1, 2) * STEP))
            continue
        middle = points[list(MOUTH if dice < 0.8 else EYES_AND_LIDS), :2].mean(0) + rng.normal(0, 8, 2)
        left, top = np.clip(np.round((middle - SQUARE / 2) / STEP), 0, most).astype(int) * STEP
        corners.append((int(top), int(left)))
    return Squares(tuple(corners), SQUARE)


class Validation(dict[str, float]):
    """Mean LPIPS by rendering method over people held out (equal weight per person)."""

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:.4f}" for name, value in self.items())


@torch.no_grad()
def validate(average: dict[str, Tensor], pairs: Pairs, lpips: Callable, device: str) -> Validation:
    """LPIPS of whole pictures of people held out, from each clip's first frame, by `WAYS`."""
    network = Network().to(device).eval()
    network.load_state_dict(average)
    scores: dict[str, list] = {}
    for clip in pairs.clips:
        batch = pairs.of_clip(clip, np.linspace(1, clip.frames - 1, FRAMES_PER_CLIP).astype(int))
        wanted = batch.wanted.to(device)
        reference = batch.reference.to(device)
        drawn = network(reference, batch.fields.to(device), batch.numbers.to(device))
        bare = sample(reference, enlarge(batch.fields[:, :2].to(device)))
        ways = (reference, bare, drawn.warped, drawn.edited)
        scores.setdefault(clip.identity, []).append([float(lpips(p, wanted).mean()) for p in ways])
    people = np.array([np.mean(rows, 0) for rows in scores.values()])
    return Validation(zip(WAYS, people.mean(0).tolist(), strict=True))


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
            "MediaPipe's face landmarker.",
            "Loss: LPIPS on SqueezeNet's features (in place of the paper's VGG-19) and absolute "
            "difference. The reported metric is also the training loss.",
        ],
        command="python -m lossweep.experiments.training.face.train generator --data DIR",
        training=training_of(config, trained),
        tables=[
            Table(
                "LPIPS (squeeze) on held-out people, first frame as reference, coefficients from the landmarks:",
                [*unseen],
                [[*unseen.values()]],
            )
        ],
    ).write(config.out, "generator")
