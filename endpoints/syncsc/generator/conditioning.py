"""What the networks read about a picture to be rendered: the motion field and where mouth, eyes and face stand."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.syncsc.face_model import OVAL, FaceModel
from lossweep.endpoints.syncsc.generator.warp import GRID, SIDE, motion

MOUTH_INSIDE = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
LEFT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
RIGHT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
REACH = 16.0
"""Distances from outlines are told up to this many pixels."""
FIELDS = 5
"""Channels of `fields`: motion x and y, mouth, eyes, face."""
MAPPING_INPUTS = 48
"""Length of `mapping_input`."""


def mapping_input(
    model: FaceModel, reference: NDArray[np.floating], coefficients: NDArray[np.floating]
) -> NDArray[np.float32]:
    """What the mapping network reads: reference, frame, and their difference, in standard deviations.

    Args:
        reference: [16]; coefficients: [frames, 16].
    Returns:
        float32 [frames, 48].
    """
    here = (reference - model.centre) / model.scale
    there = (coefficients - model.centre) / model.scale
    return np.concatenate([np.broadcast_to(here, there.shape), there, there - here], 1).astype(np.float32)


def fields(from_points: NDArray[np.floating], to_points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Motion field and outlines of the picture to be drawn, float32 [frames, 5, 64, 64].

    Channels: displacement x and y (pixels of a 256x256 picture, see `motion`); signed distances from the inside
    of the mouth, the nearer eye's, and the face's oval, positive inside, in units of 16 pixels in [-1, 1].

    Args:
        from_points: [478, 2 or 3], where the face's points stand in the reference, pixels.
        to_points: [frames, 478, 2 or 3], where they are to stand.
    """
    outlines = []
    for points in np.asarray(to_points, np.float32)[..., :2]:
        mouth, left, right, oval = (
            signed_distance(points[list(line)]) for line in (MOUTH_INSIDE, LEFT_EYE, RIGHT_EYE, OVAL)
        )
        outlines.append(np.stack([mouth, np.maximum(left, right), oval]))
    distances = np.clip(np.stack(outlines) / REACH, -1, 1)
    return np.concatenate([motion(from_points, to_points), distances.astype(np.float32)], 1)


def signed_distance(outline: NDArray[np.floating]) -> NDArray[np.float32]:
    """Distance from a closed polygon [n, 2] in pixels at the 64x64 cells' middles; positive inside (even-odd).

    Cells that are farther than `REACH` from the polygon's box read -`REACH`.
    """
    start = np.asarray(outline, np.float32)
    out = np.full((GRID, GRID), -REACH, np.float32)
    low = np.floor((start.min(0) - REACH) * (GRID / SIDE)).clip(0, GRID).astype(int)
    high = np.ceil((start.max(0) + REACH) * (GRID / SIDE)).clip(0, GRID).astype(int)
    near = (slice(low[1], high[1]), slice(low[0], high[0]))
    cells = _cells()[near].reshape(-1, 2)
    edge = np.roll(start, -1, 0) - start
    x, y = (cells[:, None, i] - start[:, i] for i in (0, 1))
    length = np.maximum((edge**2).sum(-1), np.float32(1e-6))
    along = ((x * edge[:, 0] + y * edge[:, 1]) / length).clip(0, 1)
    distance = np.sqrt(((x - along * edge[:, 0]) ** 2 + (y - along * edge[:, 1]) ** 2).min(1))
    crossed = ((y < 0) != (y < edge[:, 1])) & ((edge[:, 0] * y - edge[:, 1] * x > 0) == (edge[:, 1] < 0))
    inside = crossed.sum(1) % 2 == 1
    out[near] = np.where(inside, distance, -distance).reshape(out[near].shape)
    return out


@lru_cache(maxsize=1)
def _cells() -> NDArray[np.float32]:
    line = (np.arange(GRID, dtype=np.float32) + 0.5) * (SIDE / GRID)
    return np.stack(np.meshgrid(line, line), -1)
