"""Semantics on the wire: float16, or integers with an entropy code."""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.syncsc.codes.code import LARGEST
from lossweep.endpoints.syncsc.face_model import COEFFICIENTS

STEP = 1 / 32
ESCAPE = 24
RAW_BITS = 16
WIRE = np.dtype(">f2")


class RowCoding(Protocol):
    """How the numbers of a packet become bytes."""

    def to_bytes(self, row: NDArray[np.floating]) -> bytes:
        """The bytes of a row of numbers, within +-16."""
        ...

    def sizes(self, numbers: int) -> range:
        """The lengths that rows of so many numbers may have, in bytes."""
        ...

    def from_bytes(self, data: bytes, numbers: int) -> NDArray[np.float32] | None:
        """The row, within +-16; None where no sender can have made these bytes. Zero bytes may follow."""
        ...


class Float16:
    """16 bits a number, exact for what `semantics.Scaling.standardize` gives."""

    def to_bytes(self, row: NDArray[np.floating]) -> bytes:
        """See `RowCoding`."""
        return np.asarray(row).astype(WIRE).tobytes()

    def sizes(self, numbers: int) -> range:
        """See `RowCoding`."""
        return range(2 * numbers, 2 * numbers + 1)

    def from_bytes(self, data: bytes, numbers: int) -> NDArray[np.float32] | None:
        """See `RowCoding`."""
        if len(data) < 2 * numbers:
            return None
        row = np.frombuffer(data[: 2 * numbers], WIRE).astype(np.float32)
        return np.clip(row, -LARGEST, LARGEST) if np.isfinite(row).all() else None


class GolombRice:
    """Numbers in steps of 1/32 standard deviation (RMSE 0.009), Golomb-Rice coded within each packet.

    A packet's first frame is coded as it is, each later one less the frame before it in the packet, so that no
    packet needs another. Signs are folded (0, -1, 1, -2, ...), and the Rice parameter of each number is the one
    for a Laplace distribution of the standard deviation that the numbers, or their steps, have in training.
    A quotient of 24 ones is an escape; 16 plain bits follow.

    Args:
        gap: frames between neighbouring frames of a packet.
    Source: Rice and Plaunt, 1971; the folding is that of JPEG-LS (ITU-T T.87).
    """

    def __init__(self, gap: int) -> None:
        self._gap = gap

    @cached_property
    def parameters(self) -> NDArray[np.int_]:
        """Rice parameters [2, 16]: of a packet's first frame, and of its steps."""
        from lossweep.endpoints.syncsc.codes.motion import Motion

        covariance = Motion.load().covariance.numpy()
        deviation = np.sqrt([covariance[:, 0], 2 * (covariance[:, 0] - covariance[:, self._gap])])
        folded = np.sqrt(2) * deviation / STEP
        found: NDArray[np.int_] = np.clip(np.round(np.log2(np.log(2) * folded)), 0, 12).astype(int)
        return found

    def to_bytes(self, row: NDArray[np.floating]) -> bytes:
        """See `RowCoding`."""
        frames = np.round(np.asarray(row, np.float64) / STEP).astype(int).reshape(-1, COEFFICIENTS)
        steps = np.diff(frames, axis=0, prepend=0)
        bits = []
        for f, frame in enumerate(np.where(steps >= 0, 2 * steps, -2 * steps - 1)):
            for value, k in zip(frame.tolist(), self.parameters[min(f, 1)].tolist(), strict=True):
                quotient = value >> k
                if quotient < ESCAPE:
                    bits.append("1" * quotient + "0" + (f"{value & ((1 << k) - 1):0{k}b}" if k else ""))
                else:
                    bits.append("1" * ESCAPE + f"{min(value, 2**RAW_BITS - 1):0{RAW_BITS}b}")
        text = "".join(bits)
        return int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")

    def sizes(self, numbers: int) -> range:
        """See `RowCoding`: from one bit per number to escapes alone."""
        return range(-(-numbers // 8), -(-numbers * (ESCAPE + RAW_BITS) // 8) + 1)

    def from_bytes(self, data: bytes, numbers: int) -> NDArray[np.float32]:
        """See `RowCoding`. Bits that end early give zeros, and wild ones the nearest number in the range."""
        text, at = f"{int.from_bytes(data, 'big'):0{8 * len(data)}b}" if data else "", 0
        text += "0" * (RAW_BITS * numbers)
        out = np.zeros((numbers // COEFFICIENTS, COEFFICIENTS), int)
        for f in range(len(out)):
            for c, k in enumerate(self.parameters[min(f, 1)].tolist()):
                quotient = len(text[at : at + ESCAPE]) - len(text[at : at + ESCAPE].lstrip("1"))
                at += quotient
                if quotient == ESCAPE:
                    value, at = int(text[at : at + RAW_BITS], 2), at + RAW_BITS
                else:
                    value = quotient << k | int("0" + text[at + 1 : at + 1 + k], 2)
                    at += 1 + k
                out[f, c] = -(value + 1) // 2 if value & 1 else value // 2
        return np.clip(np.cumsum(out, 0).ravel() * STEP, -LARGEST, LARGEST).astype(np.float32)
