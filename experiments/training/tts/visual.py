"""Training of visual-guided synthesis: `python -m lossweep.experiments.training.tts.train visual`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from lossweep.endpoints.tts.networks import SPREAD
from lossweep.endpoints.tts.visual import SHIPPED
from lossweep.endpoints.tts.visual_network import VisualNetwork
from lossweep.endpoints.weights import load
from lossweep.experiments.training.trainer import TrainConfig, fit
from lossweep.experiments.training.tts.corpus import Corpus
from lossweep.experiments.training.tts.dataset import Batches
from lossweep.experiments.training.tts.validation import validation

RATE = 8e-4
BATCH = 12
SHARES = {"espeak": 0.6, "grid": 0.4}
"""Of the windows by kind of speech. People are left out: their words have times from a recognizer."""
MOVED_SHARES = {"espeak": 0.2, "real": 0.3, "grid": 0.5}
"""Of the windows from which the correction of times is learned."""


def train(config: TrainConfig) -> None:
    """Trains on from the weights that ship and writes visual.safetensors; see `trainer.fit`.

    The spectrogram is learned with true word times, the correction of times with times that are off.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    corpus = Corpus.load(config.labels)
    training, unseen = Batches(corpus, False), Batches(corpus, True)
    network = load(SHIPPED, "visual", VisualNetwork()).to(config.device).train()
    fixed, alone = np.random.default_rng(0), {k: {k: 1.0} for k in unseen.kinds}
    kept = {
        k: (unseen.draw(fixed, 16, alone[k], impaired=False), unseen.draw_moved(fixed, 16, alone[k], False))
        for k in unseen.kinds
    }

    def evaluate(model: VisualNetwork, batches: tuple, teach: bool) -> tuple[Tensor, Mapping[str, float]]:
        inputs, target, prosody = to_device(config.device, batches[0])
        moved, late = to_device(config.device, batches[1])
        mels, predicted = model(inputs, prosody[:, :3] if teach else None)
        loss, shown = losses(mels, predicted, target, prosody)
        words = ~(moved.absent | moved.pauses)
        off = ((model.corrections(moved) - late).abs() * words).sum() / words.sum()
        before = ((late.abs() * words).sum() / words.sum()).item()
        return loss + 2 * off, {**shown, "times off, s": off.item(), "given": before}

    def loss_of(rng: np.random.Generator, done: float) -> tuple[Tensor, Mapping[str, float]]:
        batches = training.draw(rng, BATCH, SHARES), training.draw_moved(rng, BATCH, MOVED_SHARES)
        return evaluate(network, batches, teach=True)

    def figures_of(judge: VisualNetwork, batches: tuple) -> Mapping[str, float]:
        return evaluate(judge, batches, False)[1]

    validate = validation(config, "visual", VisualNetwork, kept, figures_of)
    trained = fit(config, network, RATE, loss_of, validate)
    print(f"{trained.step} steps, {trained.cpu_seconds / 60:.1f} CPU min; {validate(trained.average)}")


def losses(
    mel: Tensor, predicted: Tensor, target: Tensor, prosody: Tensor
) -> tuple[Tensor, Mapping[str, float]]:
    """Loss, and its parts for the log: mel (natural logarithms), pitch (mean square), voicing, energy.

    Args:
        mel, target: [batch, 80, n] in the networks' scale.
        predicted: pitch, voicing (logit), energy, [batch, 3, n].
        prosody: true pitch, voiced, energy, and whether the utterance has the frame, [batch, 4, n].
    Source: the SyncSC paper, eq. 25 to 28; voicing is added.
    """
    pitch, voiced, energy, inside = prosody.unbind(1)
    count = inside.sum()
    mels = ((mel - target).abs().mean(1) * inside).sum() / count
    tones = ((predicted[:, 0] - pitch).square() * voiced).sum() / voiced.sum().clamp(min=1)
    voices = (
        binary_cross_entropy_with_logits(predicted[:, 1], voiced, reduction="none") * inside
    ).sum() / count
    energies = ((predicted[:, 2] - energy).square() * inside).sum() / count
    parts = zip(("mel", "pitch", "voicing", "energy"), (SPREAD * mels, tones, voices, energies), strict=True)
    shown = {name: part.item() for name, part in parts}
    return mels + 0.1 * tones + 0.1 * voices + 0.1 * energies, shown


def to_device(device: str, batch: tuple) -> tuple:
    """A batch (inputs and tensors) on the device."""
    return tuple(part.to(device) for part in batch)
