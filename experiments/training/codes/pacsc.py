"""Training of PacSC as in the paper's Algorithm 1, at both code rates, and of what the paper leaves open."""

from __future__ import annotations

import time
from argparse import Namespace
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor, nn

from lossweep.endpoints.syncsc.codes.pacsc_network import CONFIGS, PacSCConfig, PacSCNetwork
from lossweep.endpoints.weights import save
from lossweep.experiments.training.codes.sequences import training_sequences

LOSS = 0.4
BATCH = 128
RATE = 2e-3
STEPS_A_CHECKPOINT = 500
TESTED = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)

# What is trained: name -> sizes, rows in a packet. The first two ship.
VARIANTS: dict[str, tuple[PacSCConfig, int]] = {
    "0.5": (CONFIGS[0.5], 1),
    "0.25": (CONFIGS[0.25], 1),
    "0.5, a frame one symbol (Dv 16, Dp 8, 4 frames)": (replace(CONFIGS[0.5], width=16), 1),
    "0.5, two rows a packet": (CONFIGS[0.5], 2),
}


def train(args: Namespace) -> None:
    """Trains all variants in equal shares of the time; writes pacsc-0.5, pacsc-0.25 and the card pacsc.md."""
    torch.set_num_threads(args.threads)
    training, held_out = training_sequences(args)
    share, lines = 60 * args.minutes / len(VARIANTS), []
    for number, (name, (config, together)) in enumerate(VARIANTS.items()):
        run = _Run(config, together, args)
        checkpoint = args.checkpoint.with_name(f"{args.checkpoint.stem}-{number}.pt")
        if checkpoint.exists():
            run.restore(torch.load(checkpoint, weights_only=False))
        data = torch.from_numpy(_blocks(training, config.frames)).to(args.device)
        while run.seconds < share:
            run.steps(data, share)
            torch.save(run.state(), checkpoint)
            print(f"{name}: step {run.step}, loss {run.loss:.4f}, held out", run.errors(held_out), flush=True)
        if number < len(CONFIGS):
            save(args.out / f"pacsc-{name}.safetensors", run.network.state_dict(), config)
            lines.append(_line(name, run.errors(held_out), run))
            if name == "0.5":
                lines.append(_line("0.5, rows as 8-bit integers", run.errors(held_out, 1 / 32), run))
        else:
            lines.append(_line(name, run.errors(held_out), run))
    (args.out / "pacsc.md").write_text(CARD.format(lines="\n".join(lines), clips=len(training) // 2))


class _Run:
    """A training that can be stopped and taken up again."""

    def __init__(self, config: PacSCConfig, together: int, args: Namespace) -> None:
        torch.manual_seed(args.seed)
        self.together, self.device = together, args.device
        self.network = PacSCNetwork(config).to(args.device)
        self.judge = nn.Linear(config.frames * 16, 1).to(args.device)
        self.coder = torch.optim.AdamW(self.network.parameters(), RATE, weight_decay=0.01)
        self.judges = torch.optim.Adam(self.judge.parameters(), 1e-3)
        self.step, self.seconds, self.loss = 0, 0.0, 0.0

    def state(self) -> dict:
        parts = {name: getattr(self, name).state_dict() for name in ("network", "judge", "coder", "judges")}
        return {**parts, "step": self.step, "seconds": self.seconds, "random": torch.get_rng_state()}

    def restore(self, state: dict) -> None:
        for name in ("network", "judge", "coder", "judges"):
            getattr(self, name).load_state_dict(state[name])
        self.step, self.seconds = state["step"], state["seconds"]
        torch.set_rng_state(state["random"])

    def steps(self, data: Tensor, seconds: float) -> None:
        """Up to a checkpoint's steps; the learning rate falls as a cosine to the end of the time."""
        begin, before, self.loss = time.process_time(), self.seconds, 0.0
        fall = self.coder.defaults["lr"]
        for i in range(STEPS_A_CHECKPOINT):
            for group in self.coder.param_groups:
                group["lr"] = fall * (0.02 + 0.98 * np.cos(np.pi / 2 * min(self.seconds / seconds, 1)) ** 2)
            x = data[torch.randint(len(data), (BATCH,), device=self.device)]
            self.loss += (self._step(x) - self.loss) / (i + 1)
            self.step += 1
            self.seconds = before + time.process_time() - begin
            if self.seconds >= seconds:
                break

    def _step(self, x: Tensor) -> float:
        """Algorithm 1: coder by Huber and GAN loss (eq. 16, 17, 19), then the discriminator (eq. 18).

        The Huber loss is summed over a block's numbers. With their mean the GAN loss, which has no lower bound
        where the discriminator is linear, outweighs it and the coder runs away (RMSE 1.07 after 500 steps).
        """
        rows = self.network.encode(x)
        there = torch.rand(len(x), rows.shape[1] // self.together, 1, device=x.device) >= LOSS
        got = self.network.decode(rows * there.repeat_interleave(self.together, 1))
        fooled = functional.logsigmoid(-self.judge(got.flatten(1))).mean()
        loss = 0.5 * functional.huber_loss(got, x, reduction="sum") / len(x) + 0.5 * fooled
        self.coder.zero_grad()
        loss.backward()
        self.coder.step()
        true, false = self.judge(x.flatten(1)), self.judge(got.detach().flatten(1))
        doubt = -(functional.logsigmoid(true) + functional.logsigmoid(-false)).mean()
        self.judges.zero_grad()
        doubt.backward()
        self.judges.step()
        return loss.item()

    @torch.no_grad()
    def errors(self, sequences: list[NDArray], step: float | None = None) -> dict[float, float]:
        """RMSE by loss rate over a code's blocks, row by row lost; rows as float16, or in steps of `step`."""
        x = torch.from_numpy(_blocks(sequences, self.network.config.frames)).to(self.device)
        rows = self.network.encode(x)
        rows = rows.half().float() if step is None else (rows / step).round().clamp(-127, 127) * step
        random, out = np.random.default_rng(0), {}
        for loss in TESTED:
            there = torch.from_numpy(random.random((len(x), rows.shape[1] // self.together, 1)) >= loss)
            there = there.repeat_interleave(self.together, 1).to(self.device)
            got = self.network.decode(rows * there)
            out[loss] = round((got - x).square().mean().sqrt().item(), 4)
        return out


def _blocks(sequences: list[NDArray], frames: int) -> NDArray[np.float32]:
    """All blocks of that many frames, at every frame."""
    windows = [np.lib.stride_tricks.sliding_window_view(s, frames, 0).swapaxes(1, 2) for s in sequences]
    return np.ascontiguousarray(np.concatenate([w for w in windows if len(w)]), np.float32)


def _line(name: str, errors: dict[float, float], run: _Run) -> str:
    parameters = sum(p.numel() for p in run.network.parameters())
    figures = " | ".join(f"{value:.3f}" for value in errors.values())
    return f"| {name} | {parameters:,} | {run.step:,} | {figures} |"


CARD = """# PacSC

The packet code of the SyncSC paper (Section III-B, Algorithm 1), for 16 numbers a frame, at code rates 1/2 and 1/4.
Trained with whole rows dropped at 0.4, Huber and GAN loss with a linear discriminator, on the motion of the training
people of the project's talking-face clips ({clips} clips, and mirrored).
Made by `python -m lossweep.experiments.training.face.train pacsc`.

RMSE of the numbers, in standard deviations, on people held out; each row lost by itself, nothing arrived: the
network's own answer to nothing (in use the last frame is held then):

| code rate | parameters | steps | loss 0 | 0.1 | 0.3 | 0.5 | 0.7 | 0.9 |
|---|---|---|---|---|---|---|---|---|
{lines}

Chosen where the paper is silent: a frame's 16 numbers are two symbols of Dv = 8 at rate 1/2 (a block is 2 frames) and
one of 16 at rate 1/4 (4 frames); a row a packet (`group` puts rows of several blocks together); rows as float16;
AdamW for the coder where Algorithm 1 says stochastic gradient descent. What the other choices give is in the table.
A row that did not arrive is zeros, and the others are not scaled up as dropout2d would: a receiver does not know the
loss rate.
"""
