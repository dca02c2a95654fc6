"""Training of the baseline FastSpeech 2: `python -m lossweep.experiments.training.tts.train fastspeech2`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from lossweep.endpoints.tts.fastspeech2_network import FastSpeech2Network
from lossweep.experiments.training.trainer import TrainConfig, fit
from lossweep.experiments.training.tts.corpus import Corpus
from lossweep.experiments.training.tts.dataset import Batches
from lossweep.experiments.training.tts.validation import validation
from lossweep.experiments.training.tts.visual import BATCH, RATE, SHARES, losses, to_device


def train(config: TrainConfig) -> None:
    """Trains and writes fastspeech2.safetensors; see `trainer.fit`."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    corpus = Corpus.load(config.labels)
    training, unseen = Batches(corpus, False), Batches(corpus, True)
    network = FastSpeech2Network().to(config.device)
    kept = {k: unseen.draw_sequences(np.random.default_rng(0), 16, {k: 1.0}) for k in unseen.kinds}

    def evaluate(model: FastSpeech2Network, batch: tuple, teach: bool) -> tuple[Tensor, dict[str, float]]:
        inputs, durations, target, prosody = to_device(config.device, batch)
        mels, predicted, log_durations = model(inputs, durations, prosody[:, :3] if teach else None)
        loss, shown = losses(mels, predicted, target, prosody)
        inner = durations > 0
        inner[:, 0] = False  # it may have begun before the window
        off = ((log_durations - durations.clamp(min=1).log()).square() * inner).sum() / inner.sum()
        return loss + 0.1 * off, {**shown, "duration": off.item()}

    def loss_of(rng: np.random.Generator, done: float) -> tuple[Tensor, Mapping[str, float]]:
        return evaluate(network, training.draw_sequences(rng, BATCH, SHARES), teach=True)

    def figures_of(judge: FastSpeech2Network, batch: tuple) -> Mapping[str, float]:
        return evaluate(judge, batch, False)[1]

    validate = validation(config, "fastspeech2", FastSpeech2Network, kept, figures_of)
    trained = fit(config, network, RATE, loss_of, validate)
    print(f"{trained.step} steps, {trained.cpu_seconds / 60:.1f} CPU min; {validate(trained.average)}")
