"""Lip-sync error: how far apart pictures and sound stand at their best offset, and how sure that offset is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FPS = 25
"""Pictures per second of all experts."""
SHIFT = 15
"""Offsets from -15 to 15 frames are tried."""


class LipSyncError(NamedTuple):
    """What SyncNet's authors give for a clip.

    Attributes:
        distance: LSE-D, the least mean distance over the offsets.
        confidence: LSE-C, the median over the offsets less the least.
        offset: frames by which the sound is late (positive) or early at that offset.
    """

    distance: float
    confidence: float
    offset: int


def lip_sync_error(distances: NDArray[np.floating]) -> LipSyncError:
    """The error of mean distances [31] at offsets -15 to 15, see `mean_distances`.

    Source: Chung & Zisserman 2016, section 4; Prajwal et al. 2020, section 4; `SyncNetInstance.evaluate`.
    """
    best = int(np.argmin(distances))
    least = float(distances[best])
    return LipSyncError(least, float(np.median(distances)) - least, best - SHIFT)


def mean_distances(
    seen: NDArray[np.float32], heard: NDArray[np.float32], padded: bool = False
) -> NDArray[np.float64]:
    """The mean distance of pictures from the sound that stands k frames later, k = -15 to 15.

    Args:
        seen: [frames, numbers], one row a frame.
        heard: [frames, numbers].
        padded: as SyncNet has it: zeros stand where there is no sound, and count. Otherwise a mean is over the frames
            that have a partner; nan where none has.
    Returns:
        float64 [31].
    """
    seen, heard = np.asarray(seen, np.float64), np.asarray(heard, np.float64)
    around = np.pad(heard, ((SHIFT, SHIFT), (0, 0)))
    there = np.pad(np.ones(len(heard), bool), SHIFT)
    means = np.full(2 * SHIFT + 1, np.nan)
    for k in range(2 * SHIFT + 1):
        sound, known = around[k : k + len(seen)], there[k : k + len(seen)]
        apart = np.linalg.norm(seen[: len(sound)] - sound, axis=1)
        if padded or known.any():
            means[k] = (apart if padded else apart[known]).mean()
    return means
