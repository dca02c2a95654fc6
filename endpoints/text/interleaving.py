"""Random interleaving of words, which both ends derive from the block's number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WINDOW = 6
"""Words per sending window (N_pl of the SyncSC paper)."""


def order(sbn: int, words: int) -> NDArray[np.int64]:
    """Which word each packet of block `sbn` carries: int64 [words], a permutation.

    Source: the SyncSC paper, Section III-C (random interleaving in a sending window).
    """
    return np.random.default_rng([0x7E87, sbn]).permutation(words)
