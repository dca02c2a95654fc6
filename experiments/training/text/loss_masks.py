"""Masks of missing words for the training of TextPC: simulated channel losses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.text.interleaving import WINDOW


def draw_masks(texts: int, windows: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Missing words of texts that were sent at random loss rates, burst lengths and code rates.

    Each text is sent in windows of 6 words, one word per packet and in random order, with no repair packet, 6 or
    18 (code rates 1, 1/2, 1/4), through a Gilbert channel of loss rate 0.1 to 0.95; a window with 6 packets
    or more is complete. Half of the texts have independent losses, the others bursts of mean length 2 to 8.

    Returns:
        bool [texts, windows * WINDOW]; True is missing. Every text has a missing word.
    """
    missing = np.zeros((texts, windows, WINDOW), bool)
    for text in missing:
        while not text.any():
            repair = rng.choice([0, WINDOW, 3 * WINDOW], p=[0.4, 0.5, 0.1])
            lost = _lost(windows * (WINDOW + repair), rng).reshape(windows, -1)
            left = lost[:, :WINDOW].copy()
            left[(~lost).sum(1) >= WINDOW] = False
            text[:] = rng.permuted(left, axis=1)
    return missing.reshape(texts, windows * WINDOW)


def _lost(packets: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    loss = rng.uniform(0.1, 0.95)
    if rng.random() < 0.5:
        return rng.random(packets) < loss
    leave_bad = 1 / max(rng.uniform(2, 8), 1.05 * loss / (1 - loss))
    enter_bad = loss * leave_bad / (1 - loss)
    lost = np.empty(packets, bool)
    bad = rng.random() < loss
    for i, u in enumerate(rng.random(packets)):
        lost[i] = bad
        bad = u >= leave_bad if bad else u < enter_bad
    return lost
