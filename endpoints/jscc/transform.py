"""The transform of a group of pictures: decorrelated colours, and a 3-D DCT."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn

COLOURS = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([3, 2, 6])[:, None]
"""Orthonormal: brightness and two colour differences."""


def transform(group: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coefficients [3, frames, height, width] of pictures [frames, height, width, 3]; orthonormal."""
    values = np.einsum("pc,fhwc->pfhw", COLOURS, group)
    return np.asarray(dctn(values, axes=(1, 2, 3), norm="ortho"))


def inverse(coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of `transform`."""
    values = idctn(coefficients, axes=(1, 2, 3), norm="ortho")
    return np.asarray(np.einsum("pc,pfhw->fhwc", COLOURS, values))


def to_pixels(pictures: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Values on the scale 0 to 255, rounded and limited."""
    return np.clip(np.rint(pictures), 0, 255).astype(np.uint8)
