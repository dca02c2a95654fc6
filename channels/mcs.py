"""Modulation and coding schemes of the digital link: bits per symbol, code rate, and how often a block fails.

The block error rates are measured by `results/ldpc/measure.py` with Sionna's 5G LDPC code and QAM over AWGN.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BLOCK_BITS = 1024
"""Information bits of a transport block, CRC included."""
CRC_BITS = 24
PAYLOAD_BYTES = (BLOCK_BITS - CRC_BITS) // 8
TARGET = 0.1
"""Block error rate at which the adaptive choice aims, as in 5G NR (3GPP TS 38.214, 5.2.2.1)."""
TABLE = Path(__file__).parent / "ldpc_bler.csv"
LEAST_RATE = 1e-6


@dataclass(frozen=True)
class Mcs:
    """A modulation and a code rate.

    Attributes:
        index: in the table, by spectral efficiency.
        bits: per symbol: 1 BPSK, 2 QPSK, 4 16-QAM, 6 64-QAM.
        code_rate: information bits per coded bit.
    """

    index: int
    bits: int
    code_rate: float

    @property
    def coded_bits(self) -> int:
        """Of a block; a multiple of `bits`."""
        return -(-round(BLOCK_BITS / self.code_rate) // self.bits) * self.bits

    @property
    def symbols(self) -> int:
        """Channel uses of a block."""
        return self.coded_bits // self.bits

    @cached_property
    def curve(self) -> NDArray[np.float64]:
        """Measured rows (SNR in dB, block error rate), by SNR."""
        return _curves()[self.index]

    def block_error_rate(self, snr_db: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability that a block fails at an SNR over AWGN: the measured curve, its logarithm interpolated.

        Below the measured range 1; above it the last slope goes on.
        """
        snr, rate = self.curve.T
        level = np.log10(np.maximum(rate, LEAST_RATE))
        x = np.asarray(snr_db, float)
        slope = min((level[-1] - level[-2]) / (snr[-1] - snr[-2]), -1.0)
        beyond = level[-1] + slope * (x - snr[-1])
        inside = np.interp(x, snr, level, left=0.0)
        return np.asarray(np.clip(10.0 ** np.where(x > snr[-1], beyond, inside), 0.0, 1.0))

    @cached_property
    def threshold_db(self) -> float:
        """Least SNR in dB at which a block fails with at most `TARGET`."""
        grid = np.arange(-15.0, 30.0, 0.01)
        return float(grid[np.argmax(self.block_error_rate(grid) <= TARGET)])


SCHEMES = tuple(
    Mcs(i, bits, rate)
    for i, (bits, rate) in enumerate(
        (
            (1, 1 / 5),
            (2, 1 / 5),
            (2, 1 / 3),
            (2, 1 / 2),
            (2, 2 / 3),
            (4, 1 / 2),
            (4, 2 / 3),
            (6, 1 / 2),
            (6, 2 / 3),
            (6, 3 / 4),
        )
    )
)


def best_mcs(snr_db: float) -> Mcs:
    """The most efficient scheme whose blocks fail with at most `TARGET` at an SNR; the lowest where none does."""
    return max(
        (one for one in SCHEMES if one.threshold_db <= snr_db),
        key=lambda one: BLOCK_BITS / one.symbols,
        default=SCHEMES[0],
    )


@lru_cache(maxsize=1)
def _curves() -> dict[int, NDArray[np.float64]]:
    found: dict[int, list[tuple[float, float]]] = {}
    with TABLE.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            found.setdefault(int(row["mcs"]), []).append((float(row["snr_db"]), float(row["bler"])))
    return {index: np.array(sorted(rows)) for index, rows in found.items()}
