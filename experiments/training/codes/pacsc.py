"""Training of PacSC by the paper's Algorithm 1, at both code rates, and of variants where the paper gives no value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from lossweep.endpoints.syncsc.codes.interleaving import rows_of_packets
from lossweep.endpoints.syncsc.codes.pacsc_network import CONFIGS, PacSCConfig, PacSCNetwork
from lossweep.endpoints.weights import save
from lossweep.experiments.training.codes.sequences import training_sequences
from lossweep.experiments.training.model_card import ModelCard, Table
from lossweep.experiments.training.trainer import Step, TrainConfig, Trained
from lossweep.experiments.training.trainer import train as train_network

ROW_LOSS = 0.4
BATCH = 128
RATE, JUDGE_RATE = 2e-3, 1e-3
STRIDE = 3
"""Of the frames at which measured groups begin."""
TESTED = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)

FRAMES = 8
"""Of a group in the card, as the face is sent by default."""
CHANCES = (0.2, 0.2, 0.4, 0.2)
"""Of 1, 2, 4, 8 blocks coded as one in a step, as far as the network takes them."""


class Variant(NamedTuple):
    """Sizes of a network, whether its blocks put other rows in a packet, and its share of the time."""

    sizes: PacSCConfig
    turned: bool
    share: float


VARIANTS = {
    "0.5": Variant(CONFIGS[0.5], True, 0.45),
    "0.25": Variant(CONFIGS[0.25], True, 0.45),
    "0.5, each block by itself": Variant(replace(CONFIGS[0.5], together=1), False, 0.05),
    "0.5, the same row of each block in a packet": Variant(CONFIGS[0.5], False, 0.05),
}
"""The first two ship."""


def train(config: TrainConfig) -> None:
    """Trains all variants in their shares of the time; writes pacsc-0.5, pacsc-0.25 and the card."""
    torch.set_num_threads(config.threads)
    training, held_out = training_sequences(config)
    rows: list[list[str | int | float | None]] = []
    cpu_seconds = 0.0
    for number, (name, variant) in enumerate(VARIANTS.items()):
        one = replace(
            config,
            cpu_minutes=config.cpu_minutes * variant.share,
            checkpoint=config.checkpoint.with_name(f"{config.checkpoint.stem}-{number}.pt"),
        )
        network, trained = _train_one(variant, training, held_out, one)
        cpu_seconds += trained.cpu_seconds
        parameters = sum(p.numel() for p in network.parameters())
        if number < len(CONFIGS):
            save(config.out / f"pacsc-{name}.safetensors", network.state_dict(), variant.sizes)
        count = FRAMES // variant.sizes.frames
        rows.append(
            [name, parameters, trained.step, *errors(network, held_out, count, variant.turned).values()]
        )
        if name == "0.5":
            alone = errors(network, held_out, 1, variant.turned)
            rows.append(["0.5, groups of one block", parameters, trained.step, *alone.values()])
    card(config, len(training) // 2, cpu_seconds, rows)


def _train_one(
    variant: Variant,
    training: Sequence[NDArray[np.float32]],
    held_out: Sequence[NDArray[np.float32]],
    config: TrainConfig,
) -> tuple[PacSCNetwork, Trained]:
    torch.manual_seed(config.seed)
    sizes = variant.sizes
    network = PacSCNetwork(sizes).to(config.device)
    judge = nn.Linear(sizes.frames * 16, 1).to(config.device)
    optimizers = {
        "coder": torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.01),
        "judge_optimizer": torch.optim.Adam(judge.parameters(), JUDGE_RATE),
    }
    data = torch.from_numpy(_windows(training, sizes.together * sizes.frames)).to(config.device)
    step = algorithm_1(network, judge, optimizers, data, variant.turned)

    def validate(average: dict[str, Tensor]) -> str:
        return str(
            errors(_filled(sizes, average, config.device), held_out, FRAMES // sizes.frames, variant.turned)
        )

    trained = train_network(config, network, optimizers, step, validate, beside={"judge": judge})
    return _filled(sizes, trained.average, config.device), trained


def algorithm_1(
    network: PacSCNetwork,
    judge: nn.Linear,
    optimizers: Mapping[str, torch.optim.Optimizer],
    data: Tensor,
    turned: bool,
) -> Step:
    """A step of Algorithm 1: coder by Huber and GAN loss (eq. 16, 17, 19), then the discriminator (eq. 18).

    Each step codes 1, 2, 4 or 8 consecutive blocks as one. The Huber loss is summed over a block's numbers. With their
    mean the GAN loss, which has no lower bound where the discriminator is linear, outweighs it and the coder diverges
    (RMSE 1.07 after 500 steps). The discriminator sees one block at a time.

    Args:
        data: sequences of as many frames as the network codes as one, float32 [n, frames, 16].
        turned: blocks have their rows in packets as `rows_of_packets` says; otherwise row i in packet i.
    """
    sizes = network.config
    counts = [count for count in (1, 2, 4, 8) if count <= sizes.together]
    chances = np.array(CHANCES[: len(counts)]) / sum(CHANCES[: len(counts)])

    def step(rng: np.random.Generator, used: float) -> Mapping[str, float]:
        count = int(rng.choice(counts, p=chances))
        chosen = torch.from_numpy(rng.integers(0, len(data), max(BATCH // count, 16)))
        x = data[chosen, : count * sizes.frames]
        there = _arrived(rng, len(x), count, sizes.rows, ROW_LOSS, turned).to(x.device)
        got = network.decode(network.encode(x) * there)
        true, false = (part.reshape(len(x) * count, -1) for part in (x, got))
        fooled = functional.logsigmoid(-judge(false)).mean()
        loss = 0.5 * functional.huber_loss(false, true, reduction="sum") / len(true) + 0.5 * fooled
        optimizers["coder"].zero_grad()
        loss.backward()
        optimizers["coder"].step()
        doubt = -(functional.logsigmoid(judge(true)) + functional.logsigmoid(-judge(false.detach()))).mean()
        optimizers["judge_optimizer"].zero_grad()
        doubt.backward()
        optimizers["judge_optimizer"].step()
        return {"loss": loss.item()}

    return step


@torch.no_grad()
def errors(
    network: PacSCNetwork, sequences: Sequence[NDArray[np.float32]], count: int, turned: bool
) -> dict[float, float]:
    """RMSE by loss rate over all groups of `count` blocks, packets are lost independently; rows as float16."""
    sizes = network.config
    device = next(network.parameters()).device
    x = torch.from_numpy(_windows(sequences, count * sizes.frames)[::STRIDE]).to(device)
    rows = network.encode(x).half().float()
    random, out = np.random.default_rng(0), {}
    for loss in TESTED:
        there = _arrived(random, len(x), count, sizes.rows, loss, turned).to(device)
        out[loss] = round((network.decode(rows * there) - x).square().mean().sqrt().item(), 4)
    return out


def _arrived(
    rng: np.random.Generator, groups: int, count: int, rows: int, loss: float, turned: bool
) -> Tensor:
    """Which rows of groups of `count` blocks arrive, bool [groups, count * rows, 1]; each packet is lost by itself."""
    packets = rng.random((groups, rows)) >= loss
    there = np.empty((groups, count, rows), bool)
    places = rows_of_packets(count, rows) if turned else np.tile(np.arange(rows), (count, 1))
    for block, rows_of_block in enumerate(places):
        there[:, block, rows_of_block] = packets
    return torch.from_numpy(there.reshape(groups, -1, 1))


def card(
    config: TrainConfig, clips: int, cpu_seconds: float, rows: Sequence[Sequence[str | int | float | None]]
) -> None:
    """Writes the card of both code rates."""
    ModelCard(
        title="PacSC",
        files=["pacsc-0.5.safetensors", "pacsc-0.25.safetensors"],
        summary=[
            "The packet code of the SyncSC paper (Section III-B, Algorithm 1), for 16 coefficients per frame, at code "
            "rates 1/2 and 1/4. Huber and GAN loss with a linear discriminator; whole rows dropped at 0.4."
        ],
        data=[f"The motion of the training people of the talking-face clips ({clips} clips, and mirrored)."],
        command="python -m lossweep.experiments.training.face.train pacsc --data DIR",
        training={"CPU seconds, all variants": round(cpu_seconds), "device": config.device},
        tables=[
            Table(
                "RMSE of the coefficients, in standard deviations, on held-out people, by loss rate, in groups "
                f"of {FRAMES} frames; packets are lost independently. Where no packet of a group arrives, the "
                "network's output counts (in use the last frame is held):",
                ["code rate", "parameters", "steps", *(f"loss {loss:g}" for loss in TESTED)],
                rows,
            )
        ],
        limits=[
            "The paper's sizes are Npv 4, np 2, Dv 8 at rate 1/2 and Dv 16 at 1/4. The 16 numbers of a frame are "
            "two symbols of 8, so its block is 2 frames, or 4. Choices where the paper gives no value: the blocks "
            "of a group are coded as one; a packet has one row of each block, another one in each; rows as float16; "
            "AdamW for the coder where Algorithm 1 has stochastic gradient descent. The table has figures of other "
            "choices.",
            "A row that did not arrive is zeros, and the others are not scaled up as dropout2d would do: a receiver "
            "does not know the loss rate.",
        ],
    ).write(config.out, "pacsc")


def _filled(sizes: PacSCConfig, weights: Mapping[str, Tensor], device: str) -> PacSCNetwork:
    network = PacSCNetwork(sizes).to(device)
    network.load_state_dict(dict(weights))
    return network.eval()


def _windows(sequences: Sequence[NDArray[np.float32]], frames: int) -> NDArray[np.float32]:
    """All windows of that many frames, at every frame."""
    windows = [np.lib.stride_tricks.sliding_window_view(s, frames, 0).swapaxes(1, 2) for s in sequences]
    return np.ascontiguousarray(np.concatenate([w for w in windows if len(w)]), np.float32)
