"""Training of TextPC: words are removed as a channel would, and the network learns to predict them."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional

from lossweep.endpoints.text.interleaving import WINDOW
from lossweep.endpoints.text.network import TextNetwork
from lossweep.endpoints.text.ngram_features import NgramFeatures
from lossweep.endpoints.text.vocabulary import MASK, UNKNOWN
from lossweep.experiments.training.text.dataset import Batch, Texts, concatenate_batches
from lossweep.experiments.training.trainer import TrainConfig, Trained, descend
from lossweep.experiments.training.trainer import train as train_network

TEXTS_PER_STEP = 8
PEAK_RATE = 6e-4
GATES_RATE = 4e-3
CHEMISTRY_SHARE = (0.15, 0.55)
"""Fraction of texts from the knowledge base at the start and at the end of training."""


def compute_loss(network: TextNetwork, batch: Batch, device: str) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Cross entropy over the lost words (nats per word): of words, plus 0.3 times that of casing classes.

    Lost words outside the vocabulary count for the casing only.

    Returns:
        Loss; cross entropy of words alone; number of lost words predicted exactly.
    """
    missing = batch.missing
    seen_ids = torch.from_numpy(np.where(missing, MASK, batch.ids)).to(device)
    seen_casing_punct = torch.from_numpy(np.where(missing, 0, batch.casing_punct)).to(device)
    wanted = torch.from_numpy(missing).to(device)
    windows = torch.arange(missing.shape[1], device=device).unsqueeze(0) // WINDOW
    word_logits, casing_punct_logits = network(seen_ids, seen_casing_punct, windows, wanted, batch.features)
    true_words = torch.from_numpy(batch.ids[missing]).to(device)
    word_loss = functional.cross_entropy(word_logits, true_words, ignore_index=UNKNOWN)
    casing_punct_loss = functional.cross_entropy(
        casing_punct_logits, torch.from_numpy(batch.casing_punct[missing]).to(device)
    )
    return word_loss + 0.3 * casing_punct_loss, word_loss, int((word_logits.argmax(1) == true_words).sum())


def train(
    config: TrainConfig,
    network: TextNetwork,
    ngram_features: NgramFeatures,
    general: Texts,
    chemistry: Texts,
    validation: Texts,
    saved: Callable[[dict[str, torch.Tensor]], None],
) -> tuple[Trained, list[dict[str, float]]]:
    """Trains until the CPU time is used up; see `trainer.train`.

    Args:
        saved: called with the averaged weights at each validation.
    Returns:
        The training, and the figures of each validation of this run.
    """
    network.to(config.device)
    gates = [*network.gates.parameters(), *network.gates_known.parameters()]
    of_gates = {id(p) for p in gates}
    groups = [
        {"params": [p for p in network.parameters() if id(p) not in of_gates], "lr": PEAK_RATE},
        {"params": gates, "lr": GATES_RATE},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01, betas=(0.9, 0.98))
    history: list[dict[str, float]] = []

    def loss(rng: np.random.Generator, used: float) -> tuple[torch.Tensor, dict[str, float]]:
        share = CHEMISTRY_SHARE[0] + (CHEMISTRY_SHARE[1] - CHEMISTRY_SHARE[0]) * used
        of_chemistry = int(np.clip(rng.binomial(TEXTS_PER_STEP, share), 1, TEXTS_PER_STEP - 1))
        drawn = (general, TEXTS_PER_STEP - of_chemistry), (chemistry, of_chemistry)
        batch = concatenate_batches([texts.draw(count, ngram_features, rng) for texts, count in drawn])
        network.train()
        value, word_loss, _ = compute_loss(network, batch, config.device)
        return value, {"cross entropy": word_loss.item()}

    def validate(average: dict[str, torch.Tensor]) -> str:
        judged = copy.deepcopy(network)
        judged.load_state_dict(average)
        history.append(measure(judged, ngram_features, validation, config.device))
        saved(average)
        return str(history[-1])

    step = descend(network, optimizer, loss)
    return train_network(config, network, {"optimizer": optimizer}, step, validate), history


@torch.no_grad()
def measure(
    network: TextNetwork, ngram_features: NgramFeatures, texts: Texts, device: str, count: int = 64
) -> dict[str, float]:
    """Cross entropy (nats) and accuracy on lost words of `count` texts, the same ones each time."""
    network.eval()
    rng = np.random.default_rng(7)
    total, right, lost = 0.0, 0, 0
    for _ in range(count // 16):
        batch = texts.draw(16, ngram_features, rng)
        _, word_loss, named = compute_loss(network, batch, device)
        here = int(batch.missing.sum())
        total, right, lost = total + word_loss.item() * here, right + named, lost + here
    return {"cross_entropy": round(total / lost, 4), "accuracy": round(right / lost, 4)}
