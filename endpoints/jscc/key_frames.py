"""Single pictures through the network of key frames: pixels to symbols, and back from what was received."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.channels.physical import ReceivedSymbols
from lossweep.endpoints.jscc.key_frame_network import CHANNELS, SIDE, KeyFrameNetwork
from lossweep.endpoints.jscc.power import PILOTS, receive, send
from lossweep.endpoints.weights import load

MODEL = Path(__file__).parent / "model"
TRAINER = "lossweep.experiments.training.jscc.train"
LEAST = 10 * PILOTS
"""Fewest symbols of a transmission: the pilots, and as much energy as they may take."""


@lru_cache(maxsize=2)
def key_frame_network(device: str) -> KeyFrameNetwork:
    """The trained network, on a device."""
    network = load(MODEL / "key_frames.safetensors", "key-frames", KeyFrameNetwork(), TRAINER)
    return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def most_symbols(height: int, width: int, channels: int = CHANNELS) -> int:
    """Complex symbols of all features of a picture, pilots included."""
    return channels * (height // SIDE) * (width // SIDE) // 2 + PILOTS


def share_of(k: int, picture: Tensor, channels: int = CHANNELS) -> Tensor:
    """Which share of a picture's features k symbols carry, [batch]."""
    places = (picture.shape[2] // SIDE) * (picture.shape[3] // SIDE)
    return torch.full((len(picture),), 2 * (k - PILOTS) / (channels * places), device=picture.device)


def send_key(network: KeyFrameNetwork, picture: Tensor, snr_db: Tensor, k: int) -> Tensor:
    """A picture [batch, 3, height, width] as complex symbols [batch, k]."""
    return send(network.encode(picture, snr_db, share_of(k, picture)), k)


def receive_key(
    network: KeyFrameNetwork, symbols: Tensor, noise: Tensor, snr_db: Tensor, height: int, width: int
) -> Tensor:
    """The picture from symbols [batch, k] and their noise variances, [batch] or [batch, k]."""
    features, variance = receive(symbols, noise)
    return network.decode(features, variance, snr_db, height, width)[0].clamp(-1, 1)


def equalized(received: ReceivedSymbols, device: str) -> tuple[Tensor, Tensor, Tensor]:
    """Equalised symbols [1, k], their noise variances [1, k], and the SNR [1] that the receiver believes."""
    symbols, noise = received.equalized()
    snr_db = -10 * np.log10(received.noise_variance)
    return (
        torch.from_numpy(symbols)[None].to(device),
        torch.from_numpy(noise)[None].to(device),
        torch.full((1,), float(snr_db), device=device),
    )


def to_tensor(pixels: NDArray[np.uint8], device: str) -> Tensor:
    """uint8 [height, width, 3] to float32 [1, 3, height, width] in [-1, 1]."""
    picture = torch.from_numpy(np.ascontiguousarray(pixels)).to(device).permute(2, 0, 1)[None]
    return (picture.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def to_pixels(picture: Tensor) -> NDArray[np.uint8]:
    """The inverse of `to_tensor`, rounded."""
    pixels = ((picture[0].permute(1, 2, 0) + 1) * 127.5).round().clamp(0, 255)
    return pixels.to(torch.uint8).cpu().numpy()
