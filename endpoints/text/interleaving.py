"""Random interleaving of words, which both ends derive from the window's first word."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WINDOW = 6
"""Words per sending window (N_pl of the SyncSC paper)."""


def order(first: int, words: int) -> NDArray[np.int64]:
    """Which word of a block each of its packets carries: int64 [words], a permutation.

    Args:
        first: number of the block's first word, counted from the first of the clip.
        words: of the block.
    Source: the SyncSC paper, Section III-C (random interleaving in a sending window).
    """
    return np.random.default_rng([0x7E87, first]).permutation(words)
