"""Training of the network that restores groups of pictures after a linear analog code."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.endpoints.jscc.hybrid_coder import estimate, send
from lossweep.endpoints.jscc.restoration_network import RestorationNetwork
from lossweep.endpoints.weights import save
from lossweep.experiments.training.jscc.key_frames import HIGHEST_DB, LOWEST_DB, SMALLEST_ERROR
from lossweep.experiments.training.jscc.sequences import LENGTH, Sequences, to_unit
from lossweep.experiments.training.trainer import TrainConfig, fit

BATCH, NEW, KEPT = 4, 1, 100
"""Groups of a batch, those of them that are sent anew, and of which the others are drawn: sending costs time too."""
RATE = 1e-3
RATIOS = (1 / 64, 1 / 48, 1 / 40, 1 / 36, 1 / 32, 1 / 24, 1 / 16)
"""Analog symbols per colour value; the side information comes on top."""
SHOWN_RATIO = 0.028
"""What bandwidth ratio 1/32 leaves of a group of 8 pictures of 256 x 256 beside the side information."""
VALIDATED = 9


def train(config: TrainConfig) -> None:
    """Trains for `config.cpu_minutes` in all, resuming from `config.checkpoint`; writes weights."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    sequences = Sequences.load(config.labels)
    network = RestorationNetwork().to(memory_format=torch.channels_last)
    kept: deque[tuple[Tensor, Tensor, Tensor]] = deque(maxlen=KEPT)
    held_out = [x[:: max(1, len(x) // VALIDATED)][:VALIDATED] for x in sequences.held_out(LENGTH)]

    def loss(rng: np.random.Generator, used: float) -> tuple[Tensor, Mapping[str, float]]:
        for group in pixels(sequences.batch(rng, NEW if kept else BATCH, LENGTH)):
            snr_db, ratio = rng.uniform(LOWEST_DB, HIGHEST_DB), float(rng.choice(RATIOS))
            kept.append((*transmit(group, snr_db, ratio, rng), to_unit(group)))
        chosen = [kept[-1 - i] for i in range(NEW)]
        chosen += [kept[i] for i in rng.choice(len(kept) - NEW, BATCH - NEW, replace=False)]
        pictures, errors, truth = (torch.stack(parts) for parts in zip(*chosen, strict=True))
        error = (network(pictures, errors) - truth).square().mean((1, 2, 3, 4))
        db = -10 * torch.log10(error / 4 + SMALLEST_ERROR)
        before = -10 * torch.log10((pictures - truth).square().mean((1, 2, 3, 4)) / 4 + SMALLEST_ERROR)
        return -db.mean(), {"PSNR": float(db.detach().mean()), "gain": float((db.detach() - before).mean())}

    def validate(average: dict[str, Tensor]) -> str:
        tried = RestorationNetwork()
        tried.load_state_dict(average)
        tried = tried.eval().to(memory_format=torch.channels_last)
        lines = []
        for name, groups in zip(("natural", "faces"), held_out, strict=True):
            values = [gain(tried, pixels(groups), snr) for snr in (-5, 5, 15)]
            lines.append(f"{name}: " + " ".join(f"{after:.2f} ({before:.2f})" for before, after in values))
        return "; ".join(lines)

    trained = fit(config, network, RATE, loss, validate)
    save(config.out / "restoration.safetensors", trained.average)


def pixels(groups: Tensor) -> NDArray[np.uint8]:
    """uint8 [..., height, width, 3] from float32 [..., 3, height, width] in [-1, 1]."""
    return ((groups.movedim(-3, -1) + 1) * 127.5).round().to(torch.uint8).numpy()


def transmit(
    group: NDArray[np.uint8], snr_db: float, ratio: float, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """A group sent over AWGN: the linear estimate [frames, 3, height, width] in about [-1, 1], and its errors [2]."""
    symbols, side = send(group, snr_db, int(ratio * group.size))
    noise = 10 ** (-snr_db / 10)
    disturbed = symbols + (rng.standard_normal((2, len(symbols))).T @ [1, 1j]) * (noise / 2) ** 0.5
    found = estimate(disturbed, np.full(len(symbols), noise), side, *group.shape[:3])
    pictures = torch.from_numpy(found.pictures).movedim(-1, -3).float() / 127.5 - 1
    return pictures, torch.tensor(found.errors)


@torch.inference_mode()
def gain(
    network: RestorationNetwork, groups: NDArray[np.uint8], snr_db: float, ratio: float = SHOWN_RATIO
) -> tuple[float, float]:
    """Mean PSNR in dB of groups before and after restoration."""
    rng = np.random.default_rng(7)
    values = []
    for group in groups:
        pictures, errors = transmit(group, snr_db, ratio, rng)
        truth = to_unit(group)
        after = network(pictures[None], errors[None])[0]
        values.append([_psnr(x, truth) for x in (pictures, after)])
    before_db, after_db = np.mean(values, 0).tolist()
    return before_db, after_db


def _psnr(shown: Tensor, truth: Tensor) -> float:
    shown = ((shown.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1
    error = (shown - truth).square().mean((1, 2, 3))
    return float((-10 * torch.log10(error / 4 + 1e-10)).mean())
