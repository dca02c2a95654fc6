"""Rotations and similarity transforms of point sets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def rotation_matrix(vector: NDArray[np.floating]) -> NDArray[np.float64]:
    """Rotation matrices [..., 3, 3] of rotation vectors [..., 3] in radians (Rodrigues)."""
    vector = np.asarray(vector, np.float64)
    angle = np.linalg.norm(vector, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(vector, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*vector.shape[:-1], 3, 3)
    small = angle < 1e-8
    safe = np.where(small, 1, angle)
    first = np.where(small, 1, np.sin(safe) / safe)
    second = np.where(small, 0.5, (1 - np.cos(safe)) / safe**2)
    return np.eye(3) + first * cross + second * cross @ cross


def rotation_vector(matrix: NDArray[np.floating]) -> NDArray[np.float64]:
    """Rotation vectors [..., 3] in radians of rotation matrices [..., 3, 3]."""
    from scipy.spatial.transform import Rotation

    flat = np.asarray(matrix, np.float64).reshape(-1, 3, 3)
    return Rotation.from_matrix(flat).as_rotvec().reshape(*matrix.shape[:-2], 3)


def similarity(
    start: NDArray[np.floating], end: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The least-squares `end = scale * rotation @ start + origin`.

    Args:
        start: [points, 3].
        end: [frames, points, 3].
    Returns:
        scale [frames], rotation [frames, 3, 3], origin [frames, 3].
    Source: S. Umeyama, Least-squares estimation of transformation parameters, IEEE PAMI 13(4), 1991.
    """
    start = np.asarray(start, np.float64)
    end = np.asarray(end, np.float64)
    start_mean, end_mean = start.mean(0), end.mean(1)
    around, to = start - start_mean, end - end_mean[:, None]
    u, singular, vt = np.linalg.svd(np.einsum("fpi,pj->fij", to, around))
    sign = np.ones((len(end), 3))
    sign[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * sign[:, None]) @ vt
    scale = (singular * sign).sum(1) / (around**2).sum()
    origin = end_mean - scale[:, None] * np.einsum("fij,j->fi", rotation, start_mean)
    return scale, rotation, origin
