"""Training of DeepWiVe's interpolation network, on frames between two that were received.

Frame 2 of 4 has the key frames as references; frames 1 and 3 have a key frame and frame 2 as the network itself
received it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from lossweep.endpoints.jscc.allocation import FRAMES
from lossweep.endpoints.jscc.deepwive_coder import INTERPOLATED, Sender, interpolate
from lossweep.endpoints.jscc.interpolation_network import SIDE, InterpolationNetwork
from lossweep.endpoints.jscc.key_frame_network import KeyFrameNetwork
from lossweep.endpoints.jscc.key_frames import TRAINER, receive_key
from lossweep.endpoints.jscc.power import PILOTS
from lossweep.endpoints.weights import load, save
from lossweep.experiments.training.jscc import key_frames
from lossweep.experiments.training.jscc.sequences import SPAN, Sequences
from lossweep.experiments.training.trainer import TrainConfig, fit

BATCH = 4
START_SEQUENCES = 64
RATE = 5e-4
SENT = (0, 12, 24, 36, 48, 48, 96)
"""Features per place that are sent in training; 48 are a quarter of a group's symbols at a ratio of 1/32."""
KEY_SENT = (12, 16, 24)
"""Features per place, at an eighth of the resolution, of key frames."""


def train(config: TrainConfig) -> None:
    """Trains for `config.cpu_minutes` in all, resuming from `config.checkpoint`; writes weights."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    sequences = Sequences.load(config.labels)
    keys = load(config.out / "key_frames.safetensors", "key-frames", KeyFrameNetwork(), TRAINER)
    keys = keys.requires_grad_(False).to(memory_format=torch.channels_last)
    network = InterpolationNetwork()
    start = _apart(sequences.batch(np.random.default_rng(config.seed), START_SEQUENCES, SPAN))
    network.start_from(start[2], start[0], start[4])
    network = network.to(memory_format=torch.channels_last)
    held_out = sequences.held_out(SPAN)

    def loss(rng: np.random.Generator, used: float) -> tuple[Tensor, Mapping[str, float]]:
        frames = _apart(sequences.batch(rng, BATCH, SPAN))
        snr_db = torch.from_numpy(rng.uniform(key_frames.LOWEST_DB, key_frames.HIGHEST_DB, BATCH)).float()
        sender = Sender(keys, network, snr_db)
        middle, sent, key_sent = (int(rng.choice(x)) for x in (SENT, SENT, KEY_SENT))
        with torch.no_grad():
            known, clean = receive_keys(sender, frames, key_sent, rng)
        shown, clean[2] = transmit(sender, frames, known, clean, INTERPOLATED[0], middle, rng)
        known[2], far = shown.detach(), _db(shown, frames[2])
        place = INTERPOLATED[int(rng.integers(1, 3))]
        near = _db(transmit(sender, frames, known, clean, place, sent, rng)[0], frames[place[0]])
        return -far - near, {"PSNR of frame 2": float(far.detach()), "of 1 or 3": float(near.detach())}

    def validate(average: dict[str, Tensor]) -> str:
        tried = InterpolationNetwork()
        tried.load_state_dict(average)
        tried = tried.eval().to(memory_format=torch.channels_last)
        lines = []
        for name, batch in zip(("natural", "faces"), held_out, strict=True):
            values = [held_out_psnr(tried, keys, batch[:16], snr) for snr in (-5, 5, 15)]
            lines.append(f"{name}: " + " ".join(f"{value:.1f}" for value in values))
        return "; ".join(lines)

    trained = fit(config, network, RATE, loss, validate)
    save(config.out / "interpolation.safetensors", trained.average)


@torch.inference_mode()
def held_out_psnr(
    network: InterpolationNetwork, keys: KeyFrameNetwork, batch: Tensor, snr_db: float
) -> float:
    """Mean PSNR in dB of frame 2 of 4 with 48 features per place, where key frames have 12."""
    frames, rng = _apart(batch), np.random.default_rng(7)
    sender = Sender(keys, network, torch.full((len(batch),), float(snr_db)))
    known, clean = receive_keys(sender, frames, 12, rng)
    return float(_db(transmit(sender, frames, known, clean, INTERPOLATED[0], 48, rng)[0], frames[2]))


def receive_keys(
    sender: Sender, frames: list[Tensor], sent: int, rng: np.random.Generator
) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
    """Both key frames of a group, 0 and 4, as the receiver has them over AWGN, and as the sender expects them."""
    known, clean, size = {}, {}, frames[0].shape[2:]
    for i in (0, 4):
        symbols, clean[i] = sender.key(frames[i], key_frames.symbols(sent, *size))
        heard = symbols + key_frames.noise_of(rng, tuple(symbols.shape), sender.noise)
        known[i] = receive_key(sender.keys, heard, sender.noise, sender.snr_db, *size)
    return known, clean


def transmit(
    sender: Sender,
    frames: list[Tensor],
    known: dict[int, Tensor],
    clean: dict[int, Tensor],
    place: tuple[int, int, int],
    sent: int,
    rng: np.random.Generator,
) -> tuple[Tensor, Tensor]:
    """An interpolated frame over AWGN as the receiver has it, and (frame 2, a reference) as the sender expects it.

    Args:
        known, clean: the references of both ends, by frame.
        place: of `INTERPOLATED`.
        sent: features per place; 0 sends nothing.
    """
    frame, before, after = place
    height, width = frames[frame].shape[2:]
    k = sent * (height // SIDE) * (width // SIDE) // 2 + PILOTS if sent else 0
    symbols = sender.interpolated(frames[frame], (clean[before], clean[after]), k)
    heard = symbols + key_frames.noise_of(rng, tuple(symbols.shape), sender.noise) if k else symbols
    shown = interpolate(sender.between, heard, sender.noise, sender.snr_db, (known[before], known[after]))
    if frame != FRAMES // 2:
        return shown, shown
    with torch.no_grad():
        expected = (clean[before], clean[after])
        return shown, interpolate(sender.between, symbols, sender.noise, sender.snr_db, expected)


def _apart(batch: Tensor) -> list[Tensor]:
    return [one.contiguous(memory_format=torch.channels_last) for one in batch.unbind(1)]


def _db(shown: Tensor, frame: Tensor) -> Tensor:
    error = (shown - frame).square().mean((1, 2, 3))
    return (-10 * torch.log10(error / 4 + key_frames.SMALLEST_ERROR)).mean()
