"""Training of the deep Q network that shares a group's symbols among its frames.

An episode plays a sequence forth and back: the key frame of a group is a reference of the next one. The reward is the
mean PSNR of a group's frames, less what the uniform allocation gets in the same state: that changes no choice, and it
removes what the pictures and the SNR do to the reward.

Discount, exploration, replay and batch are DeepWiVe's. The value of the state after comes from a network that follows
slowly: without one, as in DeepWiVe's public code, the values diverged here after 100 to 200 steps.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lossweep.endpoints.jscc.allocation import (
    FRAMES,
    POOL,
    UNIFORM,
    AllocationNetwork,
    allocations,
    best,
    number_of,
)
from lossweep.endpoints.jscc.deepwive_coder import Sender, allowed, budget, receive_group
from lossweep.endpoints.jscc.interpolation_network import InterpolationNetwork
from lossweep.endpoints.jscc.key_frame_network import KeyFrameNetwork
from lossweep.endpoints.jscc.key_frames import TRAINER, receive_key
from lossweep.endpoints.weights import load, save
from lossweep.experiments.training.jscc import key_frames
from lossweep.experiments.training.jscc.sequences import SPAN, Sequences
from lossweep.experiments.training.trainer import TrainConfig, fit

RATE = 5e-4
FOLLOWS = 0.02
"""Share of the network in the slow one per step."""
GROUPS = 4
"""Of an episode."""
DISCOUNT = 0.99
MOST_RANDOM, LEAST_RANDOM, DECAY_STEPS = 0.9, 0.1, 400
"""Share of random allocations at first, at the end, and how fast it falls."""
REPLAY, BATCH = 300, 8
RATIOS = (1 / 32, 1 / 48)
CLIP_FRAMES = 1 + FRAMES * GROUPS


class Experience(NamedTuple):
    """A group as the network learns from it; states are averaged over `POOL` pixels; `after` is None at the end."""

    state: Tensor
    snr_db: Tensor
    number: int
    reward: float
    after: Tensor | None


class Link:
    """Both ends of a sequence that plays forth and back over AWGN.

    Args:
        frames: [1, SPAN, 3, height, width].
        rho: bandwidth ratio.
    """

    def __init__(
        self,
        keys: KeyFrameNetwork,
        between: InterpolationNetwork,
        frames: Tensor,
        snr_db: float,
        rho: float,
        rng: np.random.Generator,
    ) -> None:
        self.sender = Sender(keys, between, torch.full((1,), snr_db))
        self.rng, self.groups = rng, 0
        pictures = [one.contiguous(memory_format=torch.channels_last) for one in frames.unbind(1)]
        self.orders = pictures[1:], pictures[-2::-1]
        size = frames.shape[3], frames.shape[4]
        self.symbols = budget(rho, CLIP_FRAMES, *size)
        self.fits = allowed(self.symbols.chunk, *size)
        sent, self.expected = self.sender.key(pictures[0], self.symbols.first)
        self.last = receive_key(keys, *self._heard(sent), self.sender.snr_db, *size)

    @property
    def group(self) -> list[Tensor]:
        """The pictures of the next group."""
        return self.orders[self.groups % 2]

    def state(self) -> Tensor:
        """What the allocation of the next group is chosen from, averaged over POOL pixels."""
        return functional.avg_pool2d(self.sender.state(self.expected, self.group), POOL)

    def psnr(self, number: int, move: bool) -> float:
        """The mean PSNR in dB of the next group, sent with an allocation; `move` goes on to the group after it."""
        uses = tuple((allocations()[number] * self.symbols.chunk).tolist())
        parts, expected = self.sender.group(self.expected, self.group, uses)
        heard = [self._heard(part) for part in parts]
        shown = receive_group(self.sender.keys, self.sender.between, heard, self.sender.snr_db, self.last)
        errors = [(a - b).square().mean().item() / 4 for a, b in zip(shown, self.group, strict=True)]
        if move:
            self.expected, self.last, self.groups = expected, shown[-1], self.groups + 1
        return float(np.mean([-10 * math.log10(error + 1e-10) for error in errors]))

    def _heard(self, sent: Tensor) -> tuple[Tensor, Tensor]:
        if not sent.shape[1]:
            return sent, sent.real
        noisy = sent + key_frames.noise_of(self.rng, tuple(sent.shape), self.sender.noise)
        return noisy, self.sender.noise[:, None].expand(-1, sent.shape[1])


def train(config: TrainConfig) -> None:
    """Trains for `config.cpu_minutes` in all, resuming from `config.checkpoint`; writes weights."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    sequences = Sequences.load(config.labels)
    networks = trained_networks(config)
    network, slow = AllocationNetwork(), AllocationNetwork().requires_grad_(False)
    slow.load_state_dict(network.state_dict())
    kept: deque[Experience] = deque(maxlen=REPLAY)
    played = _play(network, networks, sequences, kept)

    def loss(rng: np.random.Generator, used: float) -> tuple[Tensor, Mapping[str, float]]:
        gain = next(played)
        while len(kept) < BATCH:
            gain = next(played)
        with torch.no_grad():
            for behind, ahead in zip(slow.parameters(), network.parameters(), strict=True):
                behind.lerp_(ahead, FOLLOWS)
        batch = [kept[i] for i in rng.choice(len(kept), BATCH, replace=False)]
        value = _temporal_difference(network, slow, batch)
        return value, {"loss": float(value.detach()), "gain over uniform, dB": gain}

    def validate(average: dict[str, Tensor]) -> str:
        tried = AllocationNetwork()
        tried.load_state_dict({**tried.state_dict(), **average})
        return "; ".join(
            f"{name}: "
            + " ".join(f"{held_out_gain(tried, networks, x[:6], snr):+.2f}" for snr in (-5, 5, 15))
            for name, x in zip(("natural", "faces"), sequences.held_out(SPAN), strict=True)
        )

    trained = fit(config, network, RATE, loss, validate)
    save(config.out / "allocation.safetensors", {k: v for k, v in trained.average.items() if k != "places"})


def trained_networks(config: TrainConfig) -> tuple[KeyFrameNetwork, InterpolationNetwork]:
    """The trained networks of both kinds of frames."""
    keys = load(config.out / "key_frames.safetensors", "key-frames", KeyFrameNetwork(), TRAINER)
    between = load(config.out / "interpolation.safetensors", "interpolation", InterpolationNetwork(), TRAINER)
    for one in (keys, between):
        one.requires_grad_(False).to(memory_format=torch.channels_last)
    return keys, between


def _play(
    network: AllocationNetwork,
    networks: tuple[KeyFrameNetwork, InterpolationNetwork],
    sequences: Sequences,
    kept: deque[Experience],
) -> Iterator[float]:
    """Plays groups for ever, keeps what happens, and gives each group's gain over the uniform allocation in dB."""
    rng, step = np.random.default_rng(48), 0
    while True:
        snr_db = rng.uniform(key_frames.LOWEST_DB, key_frames.HIGHEST_DB)
        with torch.no_grad():
            link = Link(*networks, sequences.batch(rng, 1, SPAN), snr_db, float(rng.choice(RATIOS)), rng)
            state = link.state()
        for group in range(GROUPS):
            random = LEAST_RANDOM + (MOST_RANDOM - LEAST_RANDOM) * math.exp(-step / DECAY_STEPS)
            with torch.no_grad():
                number = int(rng.choice(np.flatnonzero(link.fits)))
                if rng.random() >= random:
                    number = best(network.values(state, link.sender.snr_db), link.fits)
                uniform = link.psnr(number_of(UNIFORM), move=False)
                reward = link.psnr(number, move=True) - uniform
                after = link.state() if group < GROUPS - 1 else None
            kept.append(Experience(state, link.sender.snr_db, number, reward, after))
            step += 1
            if after is not None:
                state = after
            yield reward


def _temporal_difference(
    network: AllocationNetwork, slow: AllocationNetwork, batch: list[Experience]
) -> Tensor:
    """The mean Huber loss of the values against reward and discounted best value of the state after."""
    states, snr_db = torch.cat([one.state for one in batch]), torch.cat([one.snr_db for one in batch])
    with torch.no_grad():
        targets = torch.tensor([one.reward for one in batch])
        for i, one in enumerate(batch):
            if one.after is not None:
                targets[i] += DISCOUNT * slow.values(one.after, one.snr_db).max()
    values = network.values(states, snr_db)[torch.arange(len(batch)), [one.number for one in batch]]
    return functional.huber_loss(values, targets)


@torch.inference_mode()
def held_out_gain(
    network: AllocationNetwork,
    networks: tuple[KeyFrameNetwork, InterpolationNetwork],
    batch: Tensor,
    snr_db: float,
    rho: float = 1 / 32,
) -> float:
    """Mean gain in dB of the chosen over the uniform allocation, first groups of sequences [n, SPAN, 3, h, w]."""
    gains = []
    for frames in batch:
        link = Link(*networks, frames[None], snr_db, rho, np.random.default_rng(7))
        number = best(network.values(link.state(), link.sender.snr_db), link.fits)
        gains.append(link.psnr(number, move=False) - link.psnr(number_of(UNIFORM), move=False))
    return float(np.mean(gains))
