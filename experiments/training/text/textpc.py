"""Training of TextPC: leaves words out as the channel would, and learns to put them back."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from lossweep.endpoints.text.interleaving import WINDOW
from lossweep.endpoints.text.network import TextNetwork
from lossweep.endpoints.text.ngram_features import Witnesses
from lossweep.endpoints.text.vocabulary import MASK, UNKNOWN
from lossweep.experiments.training.text.dataset import Batch, Texts, joined_batches

CHECKPOINT_EVERY_S = 240.0
TEXTS_A_STEP = 8
PEAK_RATE = 6e-4
GATES_RATE = 4e-3
WARMUP = 0.03
"""Fraction of the time over which the learning rate rises; then it falls by half a cosine."""
CHEMISTRY_SHARE = (0.15, 0.55)
"""Fraction of texts from the knowledge base at the start and at the end of training."""


@dataclass
class Progress:
    """How far training has come; kept in the checkpoint.

    Attributes:
        planned: (step, minutes): from that step on, training was to take so long.
    """

    step: int = 0
    seconds: float = 0.0
    words: int = 0
    chemistry_words: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    planned: list[tuple[int, float]] = field(default_factory=list)


def loss_of(network: TextNetwork, batch: Batch, device: str) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Cross entropy over the lost words (in nats a word), of words plus 0.3 times that of shapes.

    Lost words outside the vocabulary count for the shape only.

    Returns:
        Loss; cross entropy of words alone; number of lost words that were named exactly.
    """
    missing = batch.missing
    seen_ids = torch.from_numpy(np.where(missing, MASK, batch.ids)).to(device)
    seen_shapes = torch.from_numpy(np.where(missing, 0, batch.shapes)).to(device)
    wanted = torch.from_numpy(missing).to(device)
    windows = torch.arange(missing.shape[1], device=device).unsqueeze(0) // WINDOW
    word_logits, shape_logits = network(seen_ids, seen_shapes, windows, wanted, batch.evidence)
    true_words = torch.from_numpy(batch.ids[missing]).to(device)
    word_loss = functional.cross_entropy(word_logits, true_words, ignore_index=UNKNOWN)
    shape_loss = functional.cross_entropy(shape_logits, torch.from_numpy(batch.shapes[missing]).to(device))
    return word_loss + 0.3 * shape_loss, word_loss, int((word_logits.argmax(1) == true_words).sum())


def train(
    network: TextNetwork,
    witnesses: Witnesses,
    general: Texts,
    chemistry: Texts,
    validation: Texts,
    *,
    minutes: float,
    seed: int,
    device: str,
    checkpoint: Path,
    saved: Callable[[Progress], None],
    say: Callable[[str], None],
) -> Progress:
    """Trains until `minutes` are used up, counting those before an interruption; resumes from `checkpoint`.

    The learning rate follows the time used, so the result is finished whenever the time is.

    Args:
        saved: called after each checkpoint, and at the end.
        say: takes a line of progress.
    """
    network.to(device)
    gates = [*network.gates.parameters(), *network.gates_known.parameters()]
    of_gates = {id(p) for p in gates}
    groups = [
        {"params": [p for p in network.parameters() if id(p) not in of_gates], "peak": PEAK_RATE},
        {"params": gates, "peak": GATES_RATE},
    ]
    optimizer = torch.optim.AdamW(groups, lr=PEAK_RATE, weight_decay=0.01, betas=(0.9, 0.98))
    progress = Progress()
    if checkpoint.exists():
        kept = torch.load(checkpoint, map_location=device, weights_only=True)
        network.load_state_dict(kept["network"])
        optimizer.load_state_dict(kept["optimizer"])
        progress = Progress(**kept["progress"])
        say(f"resumed at step {progress.step}, {progress.seconds / 60:.1f} minutes used")
    else:
        progress.history.append(measure(network, witnesses, validation, device) | {"step": 0, "minutes": 0.0})
        say(f"validation {progress.history[-1]}")
    if not progress.planned or progress.planned[-1][1] != minutes:
        progress.planned.append((progress.step, minutes))
    budget, last, running = minutes * 60, time.monotonic(), None
    while progress.seconds < budget:
        began = time.monotonic()
        used = progress.seconds / budget
        rng = np.random.default_rng([seed, progress.step])
        share = CHEMISTRY_SHARE[0] + (CHEMISTRY_SHARE[1] - CHEMISTRY_SHARE[0]) * used
        of_chemistry = int(np.clip(rng.binomial(TEXTS_A_STEP, share), 1, TEXTS_A_STEP - 1))
        drawn = (general, TEXTS_A_STEP - of_chemistry), (chemistry, of_chemistry)
        batch = joined_batches([texts.draw(count, witnesses, rng) for texts, count in drawn])
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * min(used / WARMUP + 0.02, 0.5 + 0.5 * math.cos(math.pi * used))
        network.train()
        loss, word_loss, _ = loss_of(network, batch, device)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        running = word_loss.item() if running is None else 0.98 * running + 0.02 * word_loss.item()
        progress.step += 1
        progress.words += batch.ids.size
        progress.chemistry_words += of_chemistry * batch.ids.shape[1]
        progress.seconds += time.monotonic() - began
        if progress.step % 20 == 0:
            say(_line(progress, budget, running))
        if time.monotonic() - last > CHECKPOINT_EVERY_S or progress.seconds >= budget:
            measured = measure(network, witnesses, validation, device)
            minutes_used = round(progress.seconds / 60, 1)
            progress.history.append(measured | {"step": progress.step, "minutes": minutes_used})
            say(f"validation {progress.history[-1]}")
            state = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
            part = checkpoint.with_suffix(".part")
            torch.save({**state, "progress": vars(progress)}, part)
            part.replace(checkpoint)
            saved(progress)
            last = time.monotonic()
    saved(progress)
    return progress


def _line(progress: Progress, budget: float, running: float) -> str:
    done = min(int(20 * progress.seconds / budget), 20)
    left = max(budget - progress.seconds, 0) / 60
    return (
        f"[{'#' * done}{'.' * (20 - done)}] step {progress.step}  loss {running:.3f}  {progress.words:,} words  "
        f"{left:.1f} min left"
    )


@torch.no_grad()
def measure(
    network: TextNetwork, witnesses: Witnesses, texts: Texts, device: str, count: int = 64
) -> dict[str, float]:
    """Cross entropy (nats) and accuracy on lost words of `count` texts, the same ones each time."""
    network.eval()
    rng = np.random.default_rng(7)
    total, right, lost = 0.0, 0, 0
    for _ in range(count // 16):
        batch = texts.draw(16, witnesses, rng)
        _, word_loss, named = loss_of(network, batch, device)
        here = int(batch.missing.sum())
        total, right, lost = total + word_loss.item() * here, right + named, lost + here
    return {"cross_entropy": round(total / lost, 4), "accuracy": round(right / lost, 4)}
