"""Training of the codec of frames between key frames, on sequences whose first and last frame are key frames.

The flow network stays as `flow` trained it: trained on with the rest, its end-point error rose from 3.7 to 7.7 pixels.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lossweep.endpoints.jscc.flow_network import FlowNetwork
from lossweep.endpoints.jscc.key_frame_network import SIDE, KeyFrameNetwork, dct_basis
from lossweep.endpoints.jscc.power import PILOTS, receive, send
from lossweep.endpoints.jscc.prediction_network import CHANNELS, PredictionNetwork
from lossweep.endpoints.weights import load as load_weights
from lossweep.endpoints.weights import save
from lossweep.experiments.training.jscc import key_frames
from lossweep.experiments.training.jscc.sequences import SPAN, Sequences
from lossweep.experiments.training.trainer import TrainConfig, fit

BATCH = 4
RATE = 5e-4
SENT = (2, 4, 6, 8, 12, 24)
"""Features per place that are sent in training."""
KEY_SENT = (16, 24, 32)
PREDICTION_WEIGHT = 0.3
"""Of the PSNR of the prediction alone in the loss."""
START_SEQUENCES = 64


def train(config: TrainConfig) -> None:
    """Trains for `config.cpu_minutes` in all, resuming from `config.checkpoint`; writes weights."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    sequences = Sequences.load(config.labels)
    keys = load_weights(config.out / "key_frames.safetensors", "key-frames", KeyFrameNetwork())
    keys = keys.requires_grad_(False).to(memory_format=torch.channels_last)
    network = PredictionNetwork()
    network.flow = load_weights(config.out / "flow.safetensors", "flow", FlowNetwork())
    network.flow.requires_grad_(False)
    _start(network, sequences.batch(np.random.default_rng(config.seed), START_SEQUENCES, SPAN))
    network = network.to(memory_format=torch.channels_last)
    held_out = sequences.held_out(SPAN)

    def loss(rng: np.random.Generator, used: float) -> tuple[Tensor, Mapping[str, float]]:
        batch = sequences.batch(rng, BATCH, SPAN)
        snr_db = torch.from_numpy(rng.uniform(key_frames.LOWEST_DB, key_frames.HIGHEST_DB, BATCH)).float()
        which = int(rng.integers(1, SPAN - 1))
        sent, key_sent = int(rng.choice(SENT)), int(rng.choice(KEY_SENT))
        frame = batch[:, which].contiguous(memory_format=torch.channels_last)
        ends = [batch[:, i].contiguous(memory_format=torch.channels_last) for i in (0, SPAN - 1)]
        shown, heard = transmit(network, keys, ends, frame, which / (SPAN - 1), snr_db, sent, key_sent, rng)
        db, predicted_db = (_db((x - frame).square().mean((1, 2, 3))).mean() for x in (shown, heard))
        total = -db - PREDICTION_WEIGHT * predicted_db
        return total, {"PSNR": float(db), "prediction": float(predicted_db)}

    def validate(average: dict[str, Tensor]) -> str:
        tried = PredictionNetwork()
        tried.load_state_dict(average)
        tried = tried.eval().to(memory_format=torch.channels_last)
        lines = []
        for name, batch in zip(("natural", "faces"), held_out, strict=True):
            values = [held_out_psnr(tried, keys, batch[:16], snr) for snr in (-5, 5, 15)]
            lines.append(f"{name}: " + " ".join(f"{a:.1f} ({b:.1f})" for a, b in values))
        return "; ".join(lines)

    trained = fit(config, network, RATE, loss, validate)
    save(config.out / "prediction.safetensors", trained.average)


def transmit(
    network: PredictionNetwork,
    keys: KeyFrameNetwork,
    ends: list[Tensor],
    frame: Tensor,
    when: float,
    snr_db: Tensor,
    sent: int,
    key_sent: int,
    rng: np.random.Generator,
) -> tuple[Tensor, Tensor]:
    """A frame between two key frames, sent over AWGN: as received, and the receiver's prediction."""
    height, width = frame.shape[2:]
    time = torch.full_like(snr_db, when)
    k = key_frames.symbols(key_sent, height, width)
    with torch.no_grad():
        known = [key_frames.transmit(keys, end, snr_db, k, rng).clamp(-1, 1) for end in ends]
        clean = [key_frames.transmit(keys, end, snr_db, k, None).clamp(-1, 1) for end in ends]
        at_sender = network.predict(*clean, time)
    heard = network.predict(*known, time)
    places = (height // SIDE) * (width // SIDE)
    share = torch.full_like(snr_db, sent / CHANNELS)
    count = sent * places // 2 + PILOTS
    symbols = send(network.encode(frame, at_sender, snr_db, share), count)
    variance = 10 ** (-snr_db / 10)
    symbols = symbols + key_frames.noise_of(rng, symbols.shape, variance)
    features, spread = receive(symbols, variance)
    return network.decode(features, spread, heard, snr_db), heard


@torch.inference_mode()
def held_out_psnr(
    network: PredictionNetwork, keys: KeyFrameNetwork, batch: Tensor, snr_db: float
) -> tuple[float, float]:
    """PSNR in dB of the middle frames with 6 features per place, and of their prediction."""
    given = torch.full((len(batch),), float(snr_db))
    middle = SPAN // 2
    frame = batch[:, middle]
    shown, heard = transmit(
        network, keys, [batch[:, 0], batch[:, -1]], frame, 0.5, given, 6, 24, np.random.default_rng(7)
    )
    values = [_db((x.clamp(-1, 1) - frame).square().mean((1, 2, 3))).mean() for x in (shown, heard)]
    return float(values[0]), float(values[1])


def _db(error: Tensor) -> Tensor:
    return -10 * torch.log10(error / 4 + key_frames.SMALLEST_ERROR)


@torch.no_grad()
def _start(network: PredictionNetwork, batch: Tensor) -> None:
    """The variances of pictures, and of what the mean of both key frames leaves; gains as SoftCast."""
    basis = dct_basis()
    middle = batch[:, SPAN // 2]
    residual = functional.conv2d(middle - (batch[:, 0] + batch[:, -1]) / 2, basis, stride=SIDE)
    of_residual = residual.square().mean((0, 2, 3))
    order = torch.argsort(of_residual, descending=True)
    network.basis.copy_(basis[order])
    pictures = functional.conv2d(middle, network.basis, stride=SIDE)
    network.variances.copy_(pictures.square().mean((0, 2, 3)).clamp(min=1e-5))
    network.residual_variances.copy_(of_residual[order][:CHANNELS])
    network.gain.copy_(-0.25 * network.residual_variances.log())
    scale = (residual[:, order[:CHANNELS]] * network.gain.exp()[:, None, None]).square().mean().sqrt().log()
    network.gain.sub_(scale + 0.1)
