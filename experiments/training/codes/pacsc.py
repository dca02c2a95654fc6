"""Training of PacSC by the paper's Algorithm 1, at both code rates, and of variants where the paper gives no value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from lossweep.endpoints.syncsc.codes.pacsc_network import CONFIGS, PacSCConfig, PacSCNetwork
from lossweep.endpoints.weights import save
from lossweep.experiments.training.codes.sequences import training_sequences
from lossweep.experiments.training.model_card import ModelCard, Table
from lossweep.experiments.training.trainer import Step, TrainConfig, Trained
from lossweep.experiments.training.trainer import train as train_network

ROW_LOSS = 0.4
BATCH = 128
RATE, JUDGE_RATE = 2e-3, 1e-3
TESTED = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)

# name -> sizes, and rows per packet. The first two ship.
VARIANTS: dict[str, tuple[PacSCConfig, int]] = {
    "0.5": (CONFIGS[0.5], 1),
    "0.25": (CONFIGS[0.25], 1),
    "0.5, a frame one symbol (Dv 16, Dp 8, 4 frames)": (replace(CONFIGS[0.5], width=16), 1),
    "0.5, two rows per packet": (CONFIGS[0.5], 2),
}


def train(config: TrainConfig) -> None:
    """Trains all variants in equal shares of the time; writes pacsc-0.5, pacsc-0.25 and the card."""
    torch.set_num_threads(config.threads)
    training, held_out = training_sequences(config)
    rows: list[list[str | int | float | None]] = []
    cpu_seconds = 0.0
    for number, (name, (sizes, together)) in enumerate(VARIANTS.items()):
        one = replace(
            config,
            cpu_minutes=config.cpu_minutes / len(VARIANTS),
            checkpoint=config.checkpoint.with_name(f"{config.checkpoint.stem}-{number}.pt"),
        )
        network, trained = _train_one(sizes, together, training, held_out, one)
        cpu_seconds += trained.cpu_seconds
        parameters = sum(p.numel() for p in network.parameters())
        if number < len(CONFIGS):
            save(config.out / f"pacsc-{name}.safetensors", network.state_dict(), sizes)
        rows.append([name, parameters, trained.step, *errors(network, held_out, together).values()])
        if name == "0.5":
            coarse = errors(network, held_out, together, step=1 / 32)
            rows.append(["0.5, rows as 8-bit integers", parameters, trained.step, *coarse.values()])
    card(config, len(training) // 2, cpu_seconds, rows)


def _train_one(
    sizes: PacSCConfig,
    together: int,
    training: Sequence[NDArray[np.float32]],
    held_out: Sequence[NDArray[np.float32]],
    config: TrainConfig,
) -> tuple[PacSCNetwork, Trained]:
    torch.manual_seed(config.seed)
    network = PacSCNetwork(sizes).to(config.device)
    judge = nn.Linear(sizes.frames * 16, 1).to(config.device)
    optimizers = {
        "coder": torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.01),
        "judge_optimizer": torch.optim.Adam(judge.parameters(), JUDGE_RATE),
    }
    data = torch.from_numpy(_blocks(training, sizes.frames)).to(config.device)
    step = algorithm_1(network, judge, optimizers, data, together)

    def validate(average: dict[str, Tensor]) -> str:
        return str(errors(_filled(sizes, average, config.device), held_out, together))

    trained = train_network(config, network, optimizers, step, validate, beside={"judge": judge})
    return _filled(sizes, trained.average, config.device), trained


def algorithm_1(
    network: PacSCNetwork,
    judge: nn.Linear,
    optimizers: Mapping[str, torch.optim.Optimizer],
    data: Tensor,
    together: int,
) -> Step:
    """A step of Algorithm 1: coder by Huber and GAN loss (eq. 16, 17, 19), then the discriminator (eq. 18).

    The Huber loss is summed over a block's numbers. With their mean the GAN loss, which has no lower bound where the
    discriminator is linear, outweighs it and the coder diverges (RMSE 1.07 after 500 steps).

    Args:
        data: blocks, float32 [n, frames, 16].
        together: rows per packet, lost together.
    """

    def step(rng: np.random.Generator, used: float) -> Mapping[str, float]:
        x = data[torch.from_numpy(rng.integers(0, len(data), BATCH))]
        rows = network.encode(x)
        there = torch.from_numpy(rng.random((len(x), rows.shape[1] // together, 1)) >= ROW_LOSS).to(x.device)
        got = network.decode(rows * there.repeat_interleave(together, 1))
        fooled = functional.logsigmoid(-judge(got.flatten(1))).mean()
        loss = 0.5 * functional.huber_loss(got, x, reduction="sum") / len(x) + 0.5 * fooled
        optimizers["coder"].zero_grad()
        loss.backward()
        optimizers["coder"].step()
        true, false = judge(x.flatten(1)), judge(got.detach().flatten(1))
        doubt = -(functional.logsigmoid(true) + functional.logsigmoid(-false)).mean()
        optimizers["judge_optimizer"].zero_grad()
        doubt.backward()
        optimizers["judge_optimizer"].step()
        return {"loss": loss.item()}

    return step


@torch.no_grad()
def errors(
    network: PacSCNetwork, sequences: Sequence[NDArray[np.float32]], together: int, step: float | None = None
) -> dict[float, float]:
    """RMSE by loss rate over all blocks, packets are lost independently; rows as float16, or in steps of `step`."""
    x = torch.from_numpy(_blocks(sequences, network.config.frames)).to(next(network.parameters()).device)
    rows = network.encode(x)
    rows = rows.half().float() if step is None else (rows / step).round().clamp(-127, 127) * step
    random, out = np.random.default_rng(0), {}
    for loss in TESTED:
        there = torch.from_numpy(random.random((len(x), rows.shape[1] // together, 1)) >= loss)
        got = network.decode(rows * there.repeat_interleave(together, 1).to(x.device))
        out[loss] = round((got - x).square().mean().sqrt().item(), 4)
    return out


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
                "RMSE of the coefficients, in standard deviations, on held-out people, by loss rate; packets are "
                "lost independently. Where no packet of a block arrives, the network's output counts (in use the last "
                "frame is held):",
                ["code rate", "parameters", "steps", *(f"loss {loss:g}" for loss in TESTED)],
                rows,
            )
        ],
        limits=[
            "Choices where the paper gives no value: the 16 numbers of a frame are two symbols of Dv = 8 at rate 1/2 "
            "(a block is "
            "2 frames) and one of 16 at rate 1/4 (4 frames); one row per packet; rows as float16; AdamW for the coder "
            "where Algorithm 1 has stochastic gradient descent. The table has figures of other choices.",
            "A row that did not arrive is zeros, and the others are not scaled up as dropout2d would do: a receiver "
            "does not know the loss rate.",
        ],
    ).write(config.out, "pacsc")


def _filled(sizes: PacSCConfig, weights: Mapping[str, Tensor], device: str) -> PacSCNetwork:
    network = PacSCNetwork(sizes).to(device)
    network.load_state_dict(dict(weights))
    return network.eval()


def _blocks(sequences: Sequence[NDArray[np.float32]], frames: int) -> NDArray[np.float32]:
    """All blocks of that many frames, at every frame."""
    windows = [np.lib.stride_tricks.sliding_window_view(s, frames, 0).swapaxes(1, 2) for s in sequences]
    return np.ascontiguousarray(np.concatenate([w for w in windows if len(w)]), np.float32)
