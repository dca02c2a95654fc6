"""Frames of joint source-channel coding with bidirectional flow: from pictures to symbols and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.channels.physical import ReceivedSymbols
from lossweep.endpoints.jscc.contract import SymbolError
from lossweep.endpoints.jscc.key_frames import (
    LEAST,
    MODEL,
    TRAINER,
    equalized,
    key_frame_network,
    most_symbols,
    receive_key,
    send_key,
    share_of,
    to_pixels,
    to_tensor,
)
from lossweep.endpoints.jscc.power import receive, send
from lossweep.endpoints.jscc.prediction_network import CHANNELS, PredictionNetwork
from lossweep.endpoints.weights import load

KEY_RATIO = 4.0
"""Symbols of a key frame over those of a frame between key frames."""


class Place(NamedTuple):
    """A frame in the order of transmission; `before` and `after` are its key frames, or itself where it is one."""

    frame: int
    before: int
    after: int


class Budget(NamedTuple):
    """Complex symbols of a key frame, and of a frame between two."""

    key: int
    between: int


def budget(rho: float, gop: int, frames: int, height: int, width: int) -> Budget:
    """The symbols that `rho` leaves for each kind of frame.

    Raises:
        SymbolError: fewer than a frame needs.
    """
    places = list(order(frames, gop))
    keys = sum(place.before == place.after for place in places)
    share = rho * 3 * height * width * frames / (KEY_RATIO * keys + len(places) - keys)
    key = min(int(KEY_RATIO * share), most_symbols(height, width))
    between = min(int(share), most_symbols(height, width, CHANNELS))
    if min(key, between) < LEAST:
        raise SymbolError(
            f"rho {rho:g} leaves {min(key, between)} symbols for a frame of {width}x{height}; at "
            f"least {LEAST} are needed"
        )
    return Budget(key, between)


@torch.inference_mode()
def send_frames(
    video: NDArray[np.uint8], gop: int, symbols: Budget, believed_db: float, device: str
) -> list[NDArray[np.complex64]]:
    """The symbols of each frame, complex64 [k], in the order of transmission.

    Args:
        video: uint8 [frames, height, width, 3]; sides are multiples of `SIDE`.
        believed_db: SNR that the sender believes.
    """
    height, width = video.shape[1:3]
    snr_db = torch.full((1,), believed_db, device=device)
    known: dict[int, Tensor] = {}
    sent = []
    for place in order(len(video), gop):
        picture = to_tensor(video[place.frame], device)
        if place.before == place.after:
            values = send_key(key_frame_network(device), picture, snr_db, symbols.key)
            noise = torch.full_like(snr_db, 10 ** (-believed_db / 10))
            known[place.frame] = receive_key(key_frame_network(device), values, noise, snr_db, height, width)
        else:
            predicted = _prediction(device).predict(
                known[place.before], known[place.after], _when(place, snr_db)
            )
            values = _send_between(_prediction(device), picture, predicted, snr_db, symbols.between)
        sent.append(values[0].cpu().numpy())
    return sent


@torch.inference_mode()
def receive_frames(
    received: Sequence[ReceivedSymbols], frames: int, gop: int, height: int, width: int, device: str
) -> list[NDArray[np.uint8]]:
    """The pictures of all frames, uint8 [height, width, 3], from what arrived of each transmission."""
    shown: dict[int, Tensor] = {}
    for place, one in zip(order(frames, gop), received, strict=True):
        symbols, noise, snr_db = equalized(one, device)
        if place.before == place.after:
            shown[place.frame] = receive_key(key_frame_network(device), symbols, noise, snr_db, height, width)
        else:
            predicted = _prediction(device).predict(
                shown[place.before], shown[place.after], _when(place, snr_db)
            )
            features, variance = receive(symbols, noise)
            shown[place.frame] = (
                _prediction(device).decode(features, variance, predicted, snr_db).clamp(-1, 1)
            )
    return [to_pixels(shown[i]) for i in range(frames)]


def order(frames: int, gop: int) -> Iterator[Place]:
    """Frames in the order of transmission: each key frame, then those between it and the one before."""
    yield Place(0, 0, 0)
    before = 0
    while before < frames - 1:
        after = min(before + gop, frames - 1)
        yield Place(after, after, after)
        for frame in range(before + 1, after):
            yield Place(frame, before, after)
        before = after


@lru_cache(maxsize=2)
def _prediction(device: str) -> PredictionNetwork:
    network = load(MODEL / "prediction.safetensors", "prediction", PredictionNetwork(), TRAINER)
    return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _send_between(
    network: PredictionNetwork, picture: Tensor, predicted: Tensor, snr_db: Tensor, k: int
) -> Tensor:
    return send(network.encode(picture, predicted, snr_db, share_of(k, picture, CHANNELS)), k)


def _when(place: Place, like: Tensor) -> Tensor:
    return torch.full_like(like, (place.frame - place.before) / (place.after - place.before))
