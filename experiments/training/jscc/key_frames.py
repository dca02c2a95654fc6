"""Training of the codec of single pictures, over SNR and number of symbols."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from lossweep.endpoints.jscc.key_frame_network import CHANNELS, SIDE, KeyFrameNetwork
from lossweep.endpoints.jscc.power import PILOTS, receive, send
from lossweep.endpoints.weights import save
from lossweep.experiments.training.jscc.sequences import CROP, Sequences
from lossweep.experiments.training.trainer import TrainConfig, fit

BATCH = 8
RATE = 5e-4
LOWEST_DB, HIGHEST_DB = -5.0, 15.0
SENT = (6, 8, 12, 16, 24, 32, 48)
"""Features per place that are sent in training."""
START_PICTURES = 256
SMALLEST_ERROR = 1e-5


def train(config: TrainConfig) -> None:
    """Trains for `config.cpu_minutes` in all, resuming from `config.checkpoint`; writes weights."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    sequences = Sequences.load(config.labels)
    network = KeyFrameNetwork()
    network.start_from(sequences.batch(np.random.default_rng(config.seed), START_PICTURES, 1)[:, 0])
    network = network.to(memory_format=torch.channels_last)
    held_out = [pictures[:, 0] for pictures in sequences.held_out(1)]

    def loss(rng: np.random.Generator, used: float) -> tuple[Tensor, Mapping[str, float]]:
        pictures = sequences.batch(rng, BATCH, 1)[:, 0].contiguous(memory_format=torch.channels_last)
        snr_db = torch.from_numpy(rng.uniform(LOWEST_DB, HIGHEST_DB, BATCH)).float()
        k = symbols(int(rng.choice(SENT)), CROP, CROP)
        error = (transmit(network, pictures, snr_db, k, rng) - pictures).square().mean((1, 2, 3))
        db = -10 * torch.log10(error / 4 + SMALLEST_ERROR)
        return -db.mean(), {"PSNR": float(db.detach().mean())}

    def validate(average: dict[str, Tensor]) -> str:
        tried = KeyFrameNetwork()
        tried.load_state_dict(average)
        tried = tried.eval().to(memory_format=torch.channels_last)
        lines = []
        for name, pictures in zip(("natural", "faces"), held_out, strict=True):
            for sent in (12, 24):
                values = [psnr(tried, pictures[:24], snr, sent) for snr in (-5, 0, 5, 10, 15)]
                lines.append(f"{name} {sent}: " + " ".join(f"{value:.1f}" for value in values))
        return "; ".join(lines)

    trained = fit(config, network, RATE, loss, validate)
    save(config.out / "key_frames.safetensors", trained.average)


def symbols(sent: int, height: int, width: int) -> int:
    """Complex symbols for `sent` features per place of a picture, pilots included."""
    return sent * (height // SIDE) * (width // SIDE) // 2 + PILOTS


def transmit(
    network: KeyFrameNetwork, pictures: Tensor, snr_db: Tensor, k: int, rng: np.random.Generator | None
) -> Tensor:
    """Pictures sent over AWGN with k symbols each, as received; without noise where there are no random numbers."""
    height, width = pictures.shape[2:]
    share = torch.full_like(snr_db, 2 * (k - PILOTS) / (CHANNELS * (height // SIDE) * (width // SIDE)))
    sent = send(network.encode(pictures, snr_db, share), k)
    variance = 10 ** (-snr_db / 10)
    if rng is not None:
        sent = sent + noise_of(rng, sent.shape, variance)
    features, spread = receive(sent, variance)
    return network.decode(features, spread, snr_db, height, width)[0]


def noise_of(rng: np.random.Generator, shape: tuple[int, ...], variance: Tensor) -> Tensor:
    """Complex noise [batch, k] of the variance [batch]."""
    noise = torch.from_numpy(rng.standard_normal((2, *shape))).float()
    return torch.complex(noise[0], noise[1]) * (variance[:, None] / 2).sqrt()


@torch.inference_mode()
def psnr(network: KeyFrameNetwork, pictures: Tensor, snr_db: float, sent: int) -> float:
    """Mean PSNR in dB of pictures sent over AWGN with `sent` features per place."""
    rng = np.random.default_rng(7)
    given = torch.full((len(pictures),), float(snr_db))
    shown = transmit(network, pictures, given, symbols(sent, *pictures.shape[2:]), rng)
    shown = ((shown.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1
    error = (shown - pictures).square().mean((1, 2, 3))
    return float((-10 * torch.log10(error / 4 + 1e-10)).mean())
