"""Distances within the mouth and the jaw, of landmarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# MediaPipe's numbers: inner lips, corners, outer lips, jaw and nose
PAIRS = (
    *((13, 14), (82, 87), (312, 317), (78, 308), (61, 291), (0, 17), (37, 84), (267, 314)),
    *((2, 152), (2, 13), (14, 152), (0, 2), (17, 152)),
)


def measures(points: NDArray[np.floating], half: float) -> NDArray[np.float32]:
    """Distances [frames, 13] of `PAIRS` in halves of the face's box, of points [frames, 478, 2 or 3]."""
    first, second = (np.asarray(points, np.float32)[:, list(side), :2] for side in zip(*PAIRS, strict=True))
    return (np.linalg.norm(first - second, axis=2) / half).astype(np.float32)
