"""Chance by packet slot, so that different streams meet the same network (common random numbers)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SLOTS = 256
"""Encoding symbols a block in a page; blocks with more go on in further pages."""
_ROWS = 1024


def slot_uniforms(
    sbn: NDArray[np.int64], esi: NDArray[np.int64], draws: int, *, seed: int, repetition: int, element: int
) -> NDArray[np.float64]:
    """Uniforms of one path element, by packet slot.

    What a slot (sbn, esi) draws depends on the slot, the seed, the repetition and the element alone: not on
    how many packets its block has, nor on the other slots that are asked for. Two streams thus meet the same
    chance wherever they have the same slot.

    Args:
        sbn: int64 [packets], nondecreasing, >= 0.
        esi: int64 [packets], >= 0.
        draws: uniforms a slot.
        seed, repetition, element: integers >= 0; they name the random stream.
    Returns:
        float64 [packets, draws] in [0, 1).
    """
    uniforms = np.empty((len(sbn), draws))
    page = esi // SLOTS
    for number in np.unique(page):
        members = np.flatnonzero(page == number)
        stream = np.random.SeedSequence(seed, spawn_key=(repetition, element, int(number)))
        rng = np.random.default_rng(stream)
        for first in range(0, int(sbn[members[-1]]) + 1, _ROWS):
            rows = rng.random((min(_ROWS, int(sbn[members[-1]]) + 1 - first), SLOTS, draws))
            start, stop = np.searchsorted(sbn[members], (first, first + _ROWS))
            chunk = members[start:stop]
            uniforms[chunk] = rows[sbn[chunk] - first, esi[chunk] % SLOTS]
    return uniforms
