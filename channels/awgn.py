"""Additive white Gaussian noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.physical import PhysicalChannel


@dataclass(frozen=True)
class Awgn(PhysicalChannel):
    """Additive white Gaussian noise on complex symbols.

    Attributes:
        snr_db, snr_est_db: see `PhysicalChannel`.
    Raises:
        ValueError: one of them is no number of dB.
    """

    snr_db: float
    snr_est_db: float | None = None

    name: ClassVar[str] = "awgn"

    def gains(self, symbols: int, rng: np.random.Generator) -> NDArray[np.complex64]:
        return np.ones(symbols, np.complex64)

    def known_gains(self, gains: NDArray[np.complex64]) -> NDArray[np.complex64]:
        return gains
