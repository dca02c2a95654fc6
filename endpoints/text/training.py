"""Training of TextPC: draws texts, leaves words out as the channel would, and learns to put them back."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from endpoints.text.masking import WINDOW, masks
from endpoints.text.network import TextNetwork
from endpoints.text.vocabulary import MASK, UNKNOWN

CHECKPOINT_EVERY_S = 180.0
PEAK_RATE = 6e-4
WARMUP = 0.03
"""Fraction of the time over which the learning rate rises; then it falls by half a cosine."""


@dataclass
class Texts:
    """All words of the training lectures in a row, and where a text may begin."""

    ids: NDArray[np.int32]
    shapes: NDArray[np.int8]

    def draw(self, texts: int, words: int, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
        """Ids and shapes, int64 [texts, words] each, from random places."""
        begins = rng.integers(0, len(self.ids) - words, texts)
        places = begins[:, None] + np.arange(words)
        return self.ids[places].astype(np.int64), self.shapes[places].astype(np.int64)


@dataclass
class Progress:
    """How far training has come; kept in the checkpoint."""

    step: int = 0
    seconds: float = 0.0
    words: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


def loss_of(
    network: TextNetwork, ids: NDArray, shapes: NDArray, missing: NDArray, device: str
) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Cross entropy over the lost words (in nats a word), of words plus 0.3 times that of shapes.

    Lost words outside the vocabulary count for the shape only.

    Returns:
        Loss; cross entropy of words alone; number of lost words that were named exactly.
    """
    seen_ids = torch.from_numpy(np.where(missing, MASK, ids)).to(device)
    seen_shapes = torch.from_numpy(np.where(missing, 0, shapes)).to(device)
    wanted = torch.from_numpy(missing).to(device)
    windows = torch.arange(ids.shape[1], device=device).unsqueeze(0) // WINDOW
    word_logits, shape_logits = network(seen_ids, seen_shapes, windows, wanted)
    true_words = torch.from_numpy(ids[missing]).to(device)
    word_loss = functional.cross_entropy(word_logits, true_words, ignore_index=UNKNOWN)
    shape_loss = functional.cross_entropy(shape_logits, torch.from_numpy(shapes[missing]).to(device))
    return word_loss + 0.3 * shape_loss, word_loss, int((word_logits.argmax(1) == true_words).sum())


def train(
    network: TextNetwork,
    general: Texts,
    chemistry: Texts,
    validation: Texts,
    *,
    minutes: float,
    seed: int,
    device: str,
    checkpoint: Path,
    say: Callable[[str], None],
    texts_a_step: int = 8,
    chemistry_share: float = 0.35,
) -> Progress:
    """Trains until `minutes` are used up, counting those before an interruption; resumes from `checkpoint`.

    The learning rate follows the time used, so the result is finished whenever the time is.
    """
    optimizer = torch.optim.AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=0.01, betas=(0.9, 0.98))
    progress = Progress()
    if checkpoint.exists():
        kept = torch.load(checkpoint, map_location=device, weights_only=True)
        network.load_state_dict(kept["network"])
        optimizer.load_state_dict(kept["optimizer"])
        progress = Progress(**kept["progress"])
        say(f"resumed at step {progress.step}, {progress.seconds / 60:.1f} minutes used")
    positions = network.config.positions
    windows, words = positions // WINDOW, positions // WINDOW * WINDOW
    of_chemistry = round(texts_a_step * chemistry_share)
    budget, saved, running, network_device = minutes * 60, time.monotonic(), None, network.to(device)
    while progress.seconds < budget:
        began = time.monotonic()
        rng = np.random.default_rng([seed, progress.step])
        drawn = [
            general.draw(texts_a_step - of_chemistry, words, rng),
            chemistry.draw(of_chemistry, words, rng),
        ]
        ids, shapes = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
        used = progress.seconds / budget
        for group in optimizer.param_groups:
            group["lr"] = PEAK_RATE * min(used / WARMUP + 0.02, 0.5 + 0.5 * math.cos(math.pi * used))
        network_device.train()
        loss, word_loss, _ = loss_of(network, ids, shapes, masks(texts_a_step, windows, rng), device)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        running = word_loss.item() if running is None else 0.98 * running + 0.02 * word_loss.item()
        progress.step += 1
        progress.words += ids.size
        progress.seconds += time.monotonic() - began
        if progress.step % 20 == 0:
            left = (budget - progress.seconds) / 60
            say(f"step {progress.step}  loss {running:.3f}  {progress.words:,} words  {left:.1f} min left")
        if time.monotonic() - saved > CHECKPOINT_EVERY_S or progress.seconds >= budget:
            progress.history.append(measure(network, validation, device) | {"step": progress.step})
            say(f"validation {progress.history[-1]}")
            state = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
            part = checkpoint.with_suffix(".part")
            torch.save({**state, "progress": vars(progress)}, part)
            part.replace(checkpoint)
            saved = time.monotonic()
    return progress


@torch.no_grad()
def measure(network: TextNetwork, texts: Texts, device: str, count: int = 64) -> dict[str, float]:
    """Cross entropy (nats) and accuracy on lost words of `count` texts, the same ones each time."""
    network.eval()
    rng = np.random.default_rng(7)
    positions = network.config.positions // WINDOW * WINDOW
    total, right, lost = 0.0, 0, 0
    for _ in range(count // 16):
        ids, shapes = texts.draw(16, positions, rng)
        missing = masks(16, positions // WINDOW, rng)
        _, word_loss, named = loss_of(network, ids, shapes, missing, device)
        total, right, lost = total + word_loss.item() * missing.sum(), right + named, lost + missing.sum()
    return {"cross_entropy": round(float(total / lost), 4), "accuracy": round(float(right / lost), 4)}
