"""Rayleigh fading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.physical import PhysicalChannel


@dataclass(frozen=True)
class Rayleigh(PhysicalChannel):
    """Rayleigh fading with complex gains h, E|h|^2 = 1, and noise.

    Attributes:
        snr_db, snr_est_db: see `PhysicalChannel`; snr_db is the mean over the fading.
        block: symbols for which a gain stays; 0: a whole transmission (block fading), 1: fast fading.
        known: whether the receiver knows h. If not, it knows the phase alone and takes |h| for 1.
    Raises:
        ValueError: one of them is out of its range.
    """

    snr_db: float
    snr_est_db: float | None = None
    block: int = 0
    known: bool = True

    name: ClassVar[str] = "rayleigh"

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.block, bool) or not isinstance(self.block, int) or self.block < 0:
            raise ValueError(
                f"block is {self.block!r}; it must be a number of symbols, or 0 for a transmission"
            )
        if not isinstance(self.known, bool):
            raise ValueError(f"known is {self.known!r}; it must be true or false")

    def gains(self, symbols: int, rng: np.random.Generator) -> NDArray[np.complex64]:
        length = self.block or max(symbols, 1)
        count = -(-symbols // length)
        drawn = rng.standard_normal((count, 2)) @ np.array([1, 1j]) / np.sqrt(2)
        return np.repeat(drawn, length)[:symbols].astype(np.complex64)

    def known_gains(self, gains: NDArray[np.complex64]) -> NDArray[np.complex64]:
        if self.known:
            return gains
        return (gains / np.maximum(np.abs(gains), 1e-12)).astype(np.complex64)
