"""What is shown for numbers that did not arrive, without any model: the last ones, or a line between two."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def interpolated(
    numbers: NDArray[np.float32],
    known: NDArray[np.bool_],
    horizon: NDArray[np.integer],
    reference: NDArray[np.floating],
    how: str = "linear",
) -> NDArray[np.float32]:
    """Every number from the known ones that its receiver has when the frame is shown.

    Args:
        numbers, known: [frames, 16].
        horizon: [frames], the last frame of which the receiver may know when it shows this one, >= its own.
        reference: [16], stands for the frame before the first.
        how: "hold" the last known number; or "linear": between the last and the next known one where that
            is within the horizon, else hold.
    Returns:
        float32 [frames, 16]; the known ones as they were.
    """
    at = np.arange(len(numbers))[:, None]
    values = np.concatenate([np.asarray(reference, np.float32)[None], np.where(known, numbers, 0)]).astype(
        np.float64
    )
    before = np.maximum.accumulate(np.where(known, at, -1), axis=0)
    low = np.take_along_axis(values, before + 1, axis=0)
    if how == "hold":
        return low.astype(np.float32)
    end = len(numbers)
    after = np.minimum.accumulate(np.where(known, at, end)[::-1], axis=0)[::-1]
    within = after <= np.minimum(horizon, end - 1)[:, None]
    high = np.take_along_axis(values, np.where(within, after, 0) + 1, axis=0)
    weight = np.where(within & (after > before), (at - before) / np.maximum(after - before, 1), 0)
    return np.where(known, numbers, low + weight * (high - low)).astype(np.float32)
