"""Groups of pictures as DeepWiVe sends them: from pictures to symbols and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.channels.physical import ReceivedSymbols
from lossweep.endpoints.jscc import key_frames
from lossweep.endpoints.jscc.allocation import (
    CHUNKS,
    FRAMES,
    HEADER,
    UNIFORM,
    AllocationNetwork,
    allocations,
    best,
    header,
    number_of,
    read_header,
)
from lossweep.endpoints.jscc.contract import SymbolError
from lossweep.endpoints.jscc.interpolation_network import CHANNELS, SIDE, InterpolationNetwork
from lossweep.endpoints.jscc.key_frame_network import KeyFrameNetwork
from lossweep.endpoints.jscc.key_frames import LEAST, MODEL, TRAINER, equalized, key_frame_network
from lossweep.endpoints.jscc.power import PILOTS, receive, send
from lossweep.endpoints.weights import load

INTERPOLATED = ((2, 0, 4), (1, 0, 2), (3, 2, 4))
"""Frames between key frames in the order of transmission, each with the two that it is interpolated from."""
Allocation = Literal["learned", "uniform"]


class Budget(NamedTuple):
    """Complex symbols of the first frame, and of a chunk."""

    first: int
    chunk: int


def budget(rho: float, frames: int, height: int, width: int) -> Budget:
    """The symbols that `rho` leaves: the first frame has those of a whole group, up to what its features take.

    Args:
        frames: of the clip; the last group is filled up.

    Raises:
        SymbolError: fewer than a frame needs.
    """
    groups, total = -(-(frames - 1) // FRAMES), rho * 3 * height * width * frames
    first = min(int(total / (groups + 1)), key_frames.most_symbols(height, width))
    chunk = (int((total - first) / groups) - HEADER) // CHUNKS
    if min(first, chunk) < LEAST:
        raise SymbolError(
            f"rho {rho:g} leaves {max(0, min(first, chunk))} symbols for a chunk of "
            f"{width}x{height}; at least {LEAST} are needed"
        )
    return Budget(first, chunk)


def most_interpolated(height: int, width: int) -> int:
    """Complex symbols of all features of an interpolated frame, pilots included."""
    return CHANNELS * (height // SIDE) * (width // SIDE) // 2 + PILOTS


def allowed(chunk: int, height: int, width: int) -> NDArray[np.bool_]:
    """Which allocations give no frame more symbols than it has features, [1771]."""
    most = np.array(
        [key_frames.most_symbols(height, width)] + [most_interpolated(height, width)] * (FRAMES - 1)
    )
    return np.all(allocations() * chunk <= most, axis=1)


@torch.inference_mode()
def send_frames(
    video: NDArray[np.uint8], symbols: Budget, allocation: Allocation, believed_db: float, device: str
) -> Iterator[NDArray[np.complex64]]:
    """The symbols of the first frame, then of each group, complex64 [k].

    Args:
        video: uint8 [frames, height, width, 3], one frame and whole groups; sides are multiples of 16.
        believed_db: SNR that the sender believes.
    """
    pictures = [key_frames.to_tensor(one, device) for one in video]
    sender = Sender(
        key_frame_network(device), interpolation(device), torch.full((1,), believed_db, device=device)
    )
    sent, last = sender.key(pictures[0], symbols.first)
    yield sent[0].cpu().numpy()
    fits = allowed(symbols.chunk, *video.shape[1:3])
    for start in range(1, len(video), FRAMES):
        group = pictures[start : start + FRAMES]
        number = number_of(UNIFORM)
        if allocation == "learned":
            number = best(allocator(device)(sender.state(last, group), sender.snr_db), fits)
        parts, last = sender.group(last, group, tuple(allocations()[number] * symbols.chunk))
        yield np.concatenate([header(number), *(part[0].cpu().numpy() for part in parts)])


class Sender:
    """Sends frames, and knows what the receiver would show without noise.

    Args:
        keys, between: the networks.
        snr_db: [batch], as the sender believes it.
    """

    def __init__(self, keys: KeyFrameNetwork, between: InterpolationNetwork, snr_db: Tensor) -> None:
        self.keys, self.between, self.snr_db = keys, between, snr_db
        self.noise = 10 ** (-snr_db / 10)

    def key(self, picture: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """A key frame's symbols [batch, k], and the picture as the receiver would have it."""
        sent = key_frames.send_key(self.keys, picture, self.snr_db, k)
        return sent, key_frames.receive_key(self.keys, sent, self.noise, self.snr_db, *picture.shape[2:])

    def state(self, last: Tensor, group: Sequence[Tensor]) -> Tensor:
        """What the allocation is chosen from, [batch, 69, height, width]: the key frames, and what is interpolated.

        Frame 2 stands as it is where it is a reference, as if it were received without loss.
        """
        known = {0: last, 2: group[1], 4: group[3]}
        inputs = [
            self.between.inputs(group[frame - 1], known[before], known[after])
            for frame, before, after in INTERPOLATED
        ]
        return torch.cat([last, group[3], *inputs], 1)

    def group(
        self, last: Tensor, group: Sequence[Tensor], uses: tuple[int, ...]
    ) -> tuple[list[Tensor], Tensor]:
        """The symbols of a group's frames in the order of transmission, and its key frame as the receiver would see it.

        Args:
            last: the key frame before, as the receiver would have it.
            group: its FRAMES pictures.
            uses: complex symbols of the key frame and of frames 2, 1, 3; 0 sends nothing.
        """
        key = last
        sent = [last.new_zeros(len(last), 0, dtype=torch.complex64)]
        if uses[0]:
            sent[0], key = self.key(group[3], uses[0])
        known = {0: last, 4: key}
        for (frame, before, after), k in zip(INTERPOLATED, uses[1:], strict=True):
            references = known[before], known[after]
            symbols = self.interpolated(group[frame - 1], references, k)
            sent.append(symbols)
            if frame == FRAMES // 2:  # the others are no references
                known[frame] = interpolate(self.between, symbols, self.noise, self.snr_db, references)
        return sent, key

    def interpolated(self, picture: Tensor, references: tuple[Tensor, Tensor], k: int) -> Tensor:
        """An interpolated frame's symbols [batch, k]."""
        if not k:
            return picture.new_zeros(len(picture), 0, dtype=torch.complex64)
        places = (picture.shape[2] // SIDE) * (picture.shape[3] // SIDE)
        share = torch.full_like(self.snr_db, 2 * (k - PILOTS) / (CHANNELS * places))
        inputs = self.between.inputs(picture, *references)
        return send(self.between.encode(inputs, references, self.snr_db, share), k)


def interpolate(
    network: InterpolationNetwork,
    symbols: Tensor,
    noise: Tensor,
    snr_db: Tensor,
    references: tuple[Tensor, Tensor],
) -> Tensor:
    """The frame in [-1, 1] from symbols [batch, k] and their noise variances, [batch] or [batch, k]; k may be 0."""
    features = variance = references[0].new_zeros(len(symbols), 0)
    if symbols.shape[1]:
        features, variance = receive(symbols, noise)
    return network.decode(features, variance, snr_db, *references)


def receive_group(
    keys: KeyFrameNetwork,
    between: InterpolationNetwork,
    parts: Sequence[tuple[Tensor, Tensor]],
    snr_db: Tensor,
    last: Tensor,
) -> list[Tensor]:
    """The FRAMES pictures of a group, [batch, 3, height, width], in the order of display.

    Args:
        parts: equalised symbols of each frame in the order of transmission, and their noise variances; where the key
            frame has none, the one before stays.
        last: the key frame before.
    """
    key, (symbols, noise) = last, parts[0]
    if symbols.shape[1]:
        key = key_frames.receive_key(keys, symbols, noise, snr_db, *last.shape[2:])
    known = {0: last, 4: key}
    for (frame, before, after), (symbols, noise) in zip(INTERPOLATED, parts[1:], strict=True):
        known[frame] = interpolate(between, symbols, noise, snr_db, (known[before], known[after]))
    return [known[i] for i in range(1, FRAMES + 1)]


@torch.inference_mode()
def receive_frames(
    received: Sequence[ReceivedSymbols], symbols: Budget, height: int, width: int, device: str
) -> list[NDArray[np.uint8]]:
    """The pictures of all frames, uint8 [height, width, 3], from what arrived of each transmission."""
    keys, between = key_frame_network(device), interpolation(device)
    values, noise, snr_db = equalized(received[0], device)
    last = key_frames.receive_key(keys, values, noise, snr_db, height, width)
    shown = [last]
    fits = allowed(symbols.chunk, height, width)
    for one in received[1:]:
        values, noise, snr_db = equalized(one, device)
        number = read_header(values[0, :HEADER].cpu().numpy(), (1 / noise[0, :HEADER]).cpu().numpy(), fits)
        ends = HEADER + np.cumsum(allocations()[number] * symbols.chunk)
        parts = [
            (values[:, start:end], noise[:, start:end])
            for start, end in zip([HEADER, *ends[:-1]], ends, strict=True)
        ]
        shown += receive_group(keys, between, parts, snr_db, last)
        last = shown[-1]
    return [key_frames.to_pixels(one) for one in shown]


@lru_cache(maxsize=2)
def interpolation(device: str) -> InterpolationNetwork:
    """The trained network, on a device."""
    network = load(MODEL / "interpolation.safetensors", "interpolation", InterpolationNetwork(), TRAINER)
    return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


@lru_cache(maxsize=2)
def allocator(device: str) -> AllocationNetwork:
    """The trained network that chooses allocations, on a device."""
    return load(MODEL / "allocation.safetensors", "allocation", AllocationNetwork(), TRAINER).to(device)
