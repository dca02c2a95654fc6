"""Training of the baseline Tacotron 2: `python -m lossweep.experiments.training.tts.train tacotron2`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from lossweep.endpoints.tts.tacotron2_network import AT_ONCE, Tacotron2Network
from lossweep.endpoints.weights import save
from lossweep.experiments.training.trainer import TrainConfig, fit
from lossweep.experiments.training.tts.corpus import Corpus
from lossweep.experiments.training.tts.dataset import Batches
from lossweep.experiments.training.tts.visual import REAL, SYNTHETIC_ONLY, losses, on

RATE = 1.5e-3
BATCH = 16
GUIDANCE = 5.0
NEAR = 12.0
"""Mel frames by which the attention may be off before the guide pulls it back."""


def train(config: TrainConfig) -> None:
    """Trains and writes tacotron2.safetensors; see `trainer.fit`.

    The last weights are kept, not their running mean: attention that is found late is blurred in the mean.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    corpus = Corpus.load(config.labels)
    training, unseen = Batches(corpus, False), Batches(corpus, True)
    network = Tacotron2Network().to(config.device)
    kept = {k: unseen.draw_sequences(np.random.default_rng(0), 16, float(k == "real")) for k in unseen.kinds}

    def judged(judge: Tacotron2Network, drawn: tuple) -> tuple[Tensor, dict[str, float]]:
        given, lengths, target, true = on(config.device, drawn)
        told = judge(given, torch.cat([target, true[:, :3]], 1))
        fine, shown = losses(told["mel"], told["told"], target, true)
        coarse = ((told["coarse"] - target).abs().mean(1) * true[:, 3]).mean()
        ends = torch.zeros_like(told["stop"])
        ends[:, -2:] = 1
        stop = binary_cross_entropy_with_logits(told["stop"], ends)
        astray = guided(told["shares"], lengths)
        return fine + coarse + 0.1 * stop + GUIDANCE * astray, {**shown, "astray": astray.item()}

    def loss_of(rng: np.random.Generator, done: float) -> tuple[Tensor, Mapping[str, float]]:
        real = REAL if done > SYNTHETIC_ONLY else 0.0
        return judged(network, training.draw_sequences(rng, BATCH, real))

    @torch.inference_mode()
    def validate(average: dict[str, Tensor]) -> str:
        save(config.out / "tacotron2.safetensors", average)
        judge = Tacotron2Network().to(config.device).eval()
        judge.load_state_dict(average)
        return "; ".join(
            kind + " " + ", ".join(f"{name} {value:.3f}" for name, value in judged(judge, one)[1].items())
            for kind, one in kept.items()
        )

    trained = fit(config, network, RATE, loss_of, validate)
    print(f"{trained.step} steps, {trained.cpu_seconds / 60:.1f} CPU min; {validate(network.state_dict())}")


def guided(shares: Tensor, lengths: Tensor) -> Tensor:
    """Mean share of attention that is spent far from the phoneme that is said.

    The weight of a phoneme grows from 0 where it is said to 1 far from it, as a Gaussian falls.

    Args:
        shares: [batch, steps, n]; lengths: mel frames of each phoneme, int [batch, n].
    Source: guided attention (Tachibana et al. 2018), with the known times instead of the diagonal.
    """
    ends = lengths.cumsum(1)[:, None]
    begins = ends - lengths[:, None]
    at = (torch.arange(shares.shape[1], device=shares.device)[None, :, None] + 0.5) * AT_ONCE
    away = (begins - at).clamp(min=0) + (at - ends).clamp(min=0)
    return (shares * (1 - torch.exp(-0.5 * (away / NEAR).square()))).sum(2).mean()
