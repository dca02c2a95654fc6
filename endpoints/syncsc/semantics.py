"""The 16 coefficients of a frame as they are sent: in standard deviations, smoothed, as float16."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.syncsc.face_model import COEFFICIENTS, FaceModel

STEP = 2.0**-8


@dataclass(frozen=True)
class Scaling:
    """Coefficients of the face model to and from standard deviations of the training people.

    Attributes:
        centre, scale: float32 [16].
    """

    centre: NDArray[np.float32]
    scale: NDArray[np.float32]

    @classmethod
    def of(cls, model: FaceModel) -> Scaling:
        """The scaling that a face model brings."""
        return cls(model.centre, model.scale)

    def standardize(self, coefficients: NDArray[np.floating]) -> NDArray[np.float32]:
        """Coefficients [..., 16] in standard deviations, as they are sent.

        They are float16 numbers (|x| <= 16) that are multiples of STEP too: steps of 0.004, as float16
        has them from 4 on, all the way to 0. So a receiver that knows a number to half a step knows it exactly.
        """
        scaled = (np.asarray(coefficients, np.float64) - self.centre) / self.scale
        return (np.round(np.clip(scaled, -16, 16) / STEP) * STEP).astype(np.float16).astype(np.float32)

    def coefficients(self, standardized: NDArray[np.floating]) -> NDArray[np.float32]:
        """The inverse of `standardize`, but for the rounding."""
        return (np.asarray(standardized, np.float64) * self.scale + self.centre).astype(np.float32)


def smooth(coefficients: NDArray[np.floating], scale: NDArray[np.floating]) -> NDArray[np.float64]:
    """Smooths tracker jitter without adding latency: small steps are damped, large ones followed at once.

    Each frame moves towards the measured one by `min(1, 0.5 + |step| / (0.5 scale))` of the step, per number:
    a low-pass filter whose cutoff rises with speed.

    Args:
        coefficients: [frames, 16].
        scale: [16], their standard deviations.
    Source: the idea of the 1-euro filter (Casiez, Roussel, Vogel, CHI 2012), with one step instead of two.
    """
    out = np.array(coefficients, np.float64)
    for i in range(1, len(out)):
        step = coefficients[i] - out[i - 1]
        out[i] = out[i - 1] + step * np.minimum(1, 0.5 + np.abs(step) / (0.5 * np.asarray(scale)))
    return out


def blocks(sequence: NDArray[np.floating], frames: int) -> NDArray[np.float32]:
    """The sequence [n, 16] cut into blocks [ceil(n / frames), frames, 16]; the last frame fills up."""
    fill = -len(sequence) % frames
    padded = np.concatenate([sequence, np.repeat(sequence[-1:], fill, 0)])
    return padded.reshape(-1, frames, COEFFICIENTS).astype(np.float32)
