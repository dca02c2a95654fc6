"""Training of pacsc-s: the autocovariance, the parity, and the Transformer over loss rates and bursts."""

from __future__ import annotations

import time
from argparse import Namespace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.endpoints.syncsc.codes.interleaving import Layout
from lossweep.endpoints.syncsc.codes.measurements import WINDOW, Evidence, Windows
from lossweep.endpoints.syncsc.codes.motion import FILE as MOTION_FILE
from lossweep.endpoints.syncsc.codes.motion import Motion, covariance_of
from lossweep.endpoints.syncsc.codes.pacsc_s import FILE, PacSCS
from lossweep.endpoints.syncsc.codes.parity import chosen
from lossweep.endpoints.syncsc.codes.reed_solomon import ReedSolomonCode
from lossweep.endpoints.syncsc.codes.residual import Residual, ResidualConfig
from lossweep.endpoints.syncsc.codes.weights import save
from lossweep.endpoints.syncsc.face_model import COEFFICIENTS
from lossweep.endpoints.syncsc.semantics import STEP, blocks
from lossweep.experiments.training.codes.sequences import training_sequences

CLIPS, WINDOWS_A_CLIP = 4, 12
RATE = 1e-3
STEPS_A_CHECKPOINT = 250
TESTED = (0.0, 0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9)
LAYOUTS = tuple(
    Layout(rate, group, 0) for rate, group in ((0.5, 2), (0.5, 4), (0.5, 4), (0.5, 8), (0.25, 1), (0.25, 2))
)


def train(args: Namespace) -> None:
    """Measures the autocovariance, chooses the parity, trains the network; writes weights and the card."""
    torch.set_num_threads(args.threads)
    training, held_out = training_sequences(args)
    path = args.out / MOTION_FILE
    checkpoint = args.checkpoint
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=False)
        motion = Motion(state["covariance"], state["parity"])
    else:
        covariance = torch.from_numpy(covariance_of(training))
        motion = Motion(covariance, {0.5: chosen(covariance, 8), 0.25: chosen(covariance, 16)})
        state = None
    motion.save(path)
    motion = Motion.load(path)
    print("autocovariance and parity are there", flush=True)

    torch.manual_seed(args.seed)
    network = Residual(ResidualConfig()).to(args.device)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.01)
    random, step, seconds, gain = np.random.default_rng(args.seed), 0, 0.0, 0.0
    if state is not None:
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        random.bit_generator.state = state["random"]
        step, seconds = state["step"], state["seconds"]
    while seconds < 60 * args.minutes:
        begin, before = time.process_time(), seconds
        for i in range(STEPS_A_CHECKPOINT):
            share = min(seconds / (60 * args.minutes), 1)
            for group in optimizer.param_groups:
                group["lr"] = RATE * min(1, (step + 1) / 100) * (0.02 + 0.98 * np.cos(np.pi / 2 * share) ** 2)
            windows, truth, counted = _batch(training, motion, random)
            loss, base = (_error(x, truth, windows, counted) for x in (network(windows), windows.mean))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            gain += (1 - (loss / base).item() - gain) / (i + 1)
            step, seconds = step + 1, before + time.process_time() - begin
            if seconds >= 60 * args.minutes:
                break
        parts = {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
        kept = {"covariance": motion.covariance, "parity": motion.parity, "seconds": seconds}
        torch.save({**parts, **kept, "random": random.bit_generator.state}, checkpoint)
        save(args.out / FILE, network, ResidualConfig())
        network.eval()
        figures = errors(held_out, network, losses=(0.6, 0.9))
        network.train()
        print(f"step {step}, {seconds:.0f} s, squared error {-gain:+.1%}, held out {figures}", flush=True)
    network.eval()
    (args.out / "pacsc-s.md").write_text(_card(held_out, network, step, len(training) // 2))


def _batch(
    sequences: list[NDArray], motion: Motion, random: np.random.Generator
) -> tuple[Windows, Tensor, Tensor]:
    """Windows of clips under a loss rate of 0.1 to 0.95, alone or in bursts; their truth; frames that count."""
    all_windows, truths, counted = [], [], []
    while len(all_windows) < CLIPS:
        sequence = _varied(sequences[random.integers(len(sequences))], random)
        layout = LAYOUTS[random.integers(len(LAYOUTS))]
        code = PacSCS(layout.rate, layout.group)
        payloads = [p.payload for p in code.packets(sequence)]
        loss = random.uniform(0.1, 0.95) if layout.rate == 0.5 else random.uniform(0.3, 0.97)
        lost = lost_packets(len(payloads), loss, random.choice([1, 1, 2, 4, 8]), random)
        got = [None if gone else p for p, gone in zip(payloads, lost, strict=True)]
        evidence = Evidence.of(got, layout, motion, sequence[0])
        ends = np.arange(len(payloads) // layout.packets)
        near = evidence.known[WINDOW:].reshape(len(ends), -1)
        useful = ends[~near.all(1)]
        if not len(useful):
            continue
        chosen_ends = random.choice(useful, WINDOWS_A_CLIP)
        all_windows.append(evidence.windows(chosen_ends, motion))
        whole = blocks(sequence, layout.frames).reshape(-1, COEFFICIENTS)
        padded = np.concatenate([np.repeat(sequence[:1], WINDOW, 0), whole])
        for end in chosen_ends:
            stop = (end + 1) * layout.frames + WINDOW
            truths.append(padded[stop - WINDOW : stop].T)
            # Frames that may be shown at this block's end, with a look-ahead of up to a block.
            shown = np.arange(WINDOW) >= WINDOW - layout.frames - min(8, layout.frames)
            counted.append(shown & (np.arange(stop - WINDOW, stop) >= WINDOW))
    parts = (torch.cat([getattr(w, name) for w in all_windows]) for name in ("mean", "covariance", "told"))
    return Windows(*parts), torch.from_numpy(np.array(truths)).double(), torch.from_numpy(np.array(counted))


def _varied(sequence: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """The motion of a face that there might be: larger or smaller, about another place, or backwards."""
    varied = sequence[:1] + (sequence - sequence[:1]) * random.uniform(0.6, 1.5)
    varied = varied + random.normal(0, 0.3, COEFFICIENTS)
    return (np.round(varied / STEP) * STEP)[:: random.choice([-1, 1])].astype(np.float16).astype(np.float32)


def _error(mean: Tensor, truth: Tensor, windows: Windows, counted: Tensor) -> Tensor:
    """Squared error of the frames that count over what is expected of the window, so that all losses count."""
    expected = windows.covariance.diagonal(dim1=2, dim2=3).clamp(min=0)
    squares = (mean - truth).square()
    weight = counted[:, None].double()
    return ((squares * weight).sum((1, 2)) / ((expected * weight).sum((1, 2)) + 0.3)).mean()


def lost_packets(packets: int, loss: float, burst: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """Losses in a row of packets, bool [packets]: independent (burst 1), or a two-state chain's.

    Args:
        loss: their mean rate, below 1; burst: their mean length (longer where the rate needs it).
    """
    if burst == 1:
        return random.random(packets) < loss
    end = min(1 / burst, (1 - loss) / loss) if loss else 1.0
    begin = end * loss / (1 - loss)
    out, state = np.empty(packets, bool), bool(random.random() < loss)
    for i, u in enumerate(random.random(packets)):
        out[i] = state
        state = u >= end if state else u < begin
    return out


class _Trial(PacSCS):
    """The code with a network that is still in training; None for the conditional mean alone."""

    def __init__(self, network: Residual | None, *args: float) -> None:
        super().__init__(*args)
        self.network = network

    def _corrected(self, windows: Windows) -> Tensor:
        return windows.mean if self.network is None else self.network(windows)


def errors(
    sequences: list[NDArray],
    network: Residual | None,
    rate: float = 0.5,
    group: int = 4,
    look_ahead: int = 0,
    losses: tuple[float, ...] = TESTED,
    burst: float = 1,
) -> dict[float, tuple[float, float, float]]:
    """RMSE of Reed-Solomon and a line, of the conditional mean, and of it with the network, by loss rate."""
    codes = (ReedSolomonCode(rate, group, look_ahead), _Trial(None, rate, group, look_ahead))
    codes += (_Trial(network, rate, group, look_ahead),)
    out = {}
    for loss in losses:
        squares = np.zeros(len(codes))
        for number, s in enumerate(sequences):
            lost = None
            for i, code in enumerate(codes):
                payloads = [p.payload for p in code.packets(s)]
                if lost is None:
                    lost = lost_packets(len(payloads), loss, burst, np.random.default_rng(number))
                got = [None if gone else p for p, gone in zip(payloads, lost, strict=True)]
                squares[i] += np.square(code.decode(got, len(s), s[0]) - s, dtype=np.float64).sum()
        out[loss] = tuple(
            round(float(x), 4) for x in np.sqrt(squares / (COEFFICIENTS * sum(map(len, sequences))))
        )
    return out


def _card(held_out: list[NDArray], network: Residual, steps: int, clips: int) -> str:
    lines = []
    for rate, group, look_ahead, burst in ((0.5, 4, 0, 1), (0.5, 4, 8, 1), (0.5, 4, 8, 4), (0.25, 2, 8, 1)):
        found = errors(held_out, network, rate, group, look_ahead, burst=burst)
        for i, name in enumerate(("rs and a line", "conditional mean", "pacsc-s")):
            figures = " | ".join(f"{found[loss][i]:.4f}" for loss in TESTED)
            lines.append(f"| {rate:g} | {group} | {look_ahead} | {burst} | {name} | {figures} |")
    parameters = sum(p.numel() for p in network.parameters())
    return CARD.format(lines="\n".join(lines), steps=steps, clips=clips, parameters=parameters)


CARD = """# PacSC-S

Packet code for 16 numbers a frame: systematic, with real-valued parity and a decoder that knows how faces move.
`pacsc-s-motion.safetensors`: autocovariance of the numbers over 255 frames, and the parity's weights, chosen by
gradient descent. `pacsc-s.safetensors`: a Transformer of {parameters:,} parameters over a window of 32 frames,
{steps:,} steps over loss rates of 0.1 to 0.97, alone and in bursts of 2, 4 and 8 packets, at both code rates.
From the motion of the training people of the project's talking-face clips ({clips} clips, and mirrored).
Made by `python -m lossweep.experiments.training.face.train pacsc-s`.

RMSE of the numbers, in standard deviations, on people held out, by loss rate; the same packets lost for all three:

| code rate | group | look-ahead, frames | mean burst | | 0 | 0.1 | 0.3 | 0.5 | 0.6 | 0.7 | 0.8 | 0.9 |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
{lines}
"""
