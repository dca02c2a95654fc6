"""Training of the baseline Tacotron 2: `python -m lossweep.experiments.training.tts.train tacotron2`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from lossweep.endpoints.tts.tacotron2_network import FRAMES_PER_STEP, Tacotron2Network
from lossweep.experiments.training.trainer import TrainConfig, fit
from lossweep.experiments.training.tts.corpus import Corpus
from lossweep.experiments.training.tts.dataset import Batches
from lossweep.experiments.training.tts.validation import validation
from lossweep.experiments.training.tts.visual import SHARES, losses, to_device

RATE = 1.5e-3
BATCH = 16
GUIDANCE = 5.0
NEAR = 12.0
"""Width in mel frames of the penalty for attention away from the true phoneme."""


def train(config: TrainConfig) -> None:
    """Trains and writes tacotron2.safetensors; see `trainer.fit`.

    The last weights are kept, not their running mean, since attention is learned late in the training.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    corpus = Corpus.load(config.labels)
    training, unseen = Batches(corpus, False), Batches(corpus, True)
    network = Tacotron2Network().to(config.device)
    kept = {k: unseen.draw_sequences(np.random.default_rng(0), 16, {k: 1.0}) for k in unseen.kinds}

    def evaluate(model: Tacotron2Network, batch: tuple) -> tuple[Tensor, dict[str, float]]:
        inputs, durations, target, prosody = to_device(config.device, batch)
        output = model(inputs, torch.cat([target, prosody[:, :3]], 1))
        fine, shown = losses(output.mel, output.predicted, target, prosody)
        coarse = ((output.coarse - target).abs().mean(1) * prosody[:, 3]).mean()
        ends = torch.zeros_like(output.stop)
        ends[:, -2:] = 1
        stop = binary_cross_entropy_with_logits(output.stop, ends)
        penalty = attention_penalty(output.attention, durations)
        return fine + coarse + 0.1 * stop + GUIDANCE * penalty, {**shown, "attention": penalty.item()}

    def loss_of(rng: np.random.Generator, done: float) -> tuple[Tensor, Mapping[str, float]]:
        return evaluate(network, training.draw_sequences(rng, BATCH, SHARES))

    def figures_of(judge: Tacotron2Network, batch: tuple) -> Mapping[str, float]:
        return evaluate(judge, batch)[1]

    validate = validation(config, "tacotron2", Tacotron2Network, kept, figures_of)
    trained = fit(config, network, RATE, loss_of, validate)
    print(f"{trained.step} steps, {trained.cpu_seconds / 60:.1f} CPU min; {validate(network.state_dict())}")


def attention_penalty(attention: Tensor, durations: Tensor) -> Tensor:
    """Mean attention away from the true phoneme.

    The weight of a phoneme is 0 during its true time and increases to 1 away from it, as 1 less a Gaussian.

    Args:
        attention: [batch, steps, n].
        durations: mel frames of each phoneme, int [batch, n].
    Source: guided attention (Tachibana et al. 2018), with the known times instead of the diagonal.
    """
    ends = durations.cumsum(1)[:, None]
    begins = ends - durations[:, None]
    at = (torch.arange(attention.shape[1], device=attention.device)[None, :, None] + 0.5) * FRAMES_PER_STEP
    away = (begins - at).clamp(min=0) + (at - ends).clamp(min=0)
    return (attention * (1 - torch.exp(-0.5 * (away / NEAR).square()))).sum(2).mean()
