"""Which numbers of a block's frames stand in which packet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.syncsc.face_model import COEFFICIENTS
from lossweep.endpoints.syncsc.semantics import blocks

SOURCE_PACKETS = 4
WINDOW = 32
"""Frames that the Gaussian estimation of pacsc-s sees at once."""
T = TypeVar("T", bound=np.generic)


def frames_per_code_block(code_rate: float) -> int:
    """Frames in a block of the paper's code: 2 at rate 1/2 (Npv 4, Dv 8), 4 at rate 1/4 (Npv 4, Dv 16).

    At other rates the nearest whole number to 1 / code_rate, and 2 at least: four packets of half a frame.
    """
    return max(2, round(1 / code_rate))


def rows_of_packets(blocks: int, packets: int) -> NDArray[np.int64]:
    """Of PacSC, the row of each block that is in each packet, [blocks, packets]: row i + b, modulo M, of block b in i.

    What a lost packet takes stands at another place in each block, so that its neighbours in time arrive.
    """
    return (np.arange(blocks)[:, None] + np.arange(packets)) % packets


@dataclass(frozen=True)
class Layout:
    """Blocks of `group` code blocks, sent as 4 source packets and repair packets; and when frames are shown.

    PacSC's block has 8 rows of 8 numbers for 2 frames at rate 1/2, and 16 rows of 16 for 4 frames at 1/4.
    A packet has one row of each of `group` consecutive blocks, so a lost packet costs each block one row. The other
    codes have blocks of as many frames, as 4 source packets and their repair packets: as many packets of as
    many bytes at the same rate. Frames are interleaved, frame i in packet i mod 4, so that what a lost packet
    takes has neighbours; where the block is not a multiple of 4 frames, half frames of 8 numbers are.

    Attributes:
        code_rate: in (0, 1].
        group: 1 to 64.
        look_ahead: frames, 0 to 64.
    Raises:
        ValueError: a number out of its range.
    """

    code_rate: float
    group: int
    look_ahead: int = 0

    def __post_init__(self) -> None:
        for name, least in (("group", 1), ("look_ahead", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or not least <= value <= 64:
                raise ValueError(f"{name} is {value!r}; it must be a whole number in {least} to 64")

    @property
    def frames(self) -> int:
        """Frames of a block."""
        return frames_per_code_block(self.code_rate) * self.group

    @property
    def row(self) -> int:
        """Numbers in a source packet."""
        return self.frames * COEFFICIENTS // SOURCE_PACKETS

    @property
    def delay_frames(self) -> int:
        """Frames from a frame's end until it is shown."""
        return self.frames - 1 + self.look_ahead

    def order(self) -> NDArray[np.int64]:
        """Which number of the block stands where: [4, row], indices into frames x 16 numbers, flat."""
        part = COEFFICIENTS if self.frames % SOURCE_PACKETS == 0 else COEFFICIENTS // 2
        order = np.arange(self.frames * COEFFICIENTS).reshape(-1, SOURCE_PACKETS, part)
        return order.transpose(1, 0, 2).reshape(SOURCE_PACKETS, -1)

    def ready(self, n: int, depends_on: Callable[[int], Iterable[int]]) -> NDArray[np.int64]:
        """The frame of the block at whose end each packet can be sent, [n].

        Args:
            n: packets of a block.
            depends_on: the source packets that a repair packet is made of.
        """
        last = (self.order().max(1) // COEFFICIENTS).tolist()
        repair = [max(last[i] for i in depends_on(esi)) for esi in range(SOURCE_PACKETS, n)]
        return np.array([*last, *repair])

    def interleave(self, coefficients: NDArray[np.floating]) -> NDArray[np.float32]:
        """Rows [blocks, 4, row] of frames [n, 16]; the last frame is repeated to fill the last block."""
        return blocks(coefficients, self.frames).reshape(-1, self.frames * COEFFICIENTS)[:, self.order()]

    def deinterleave(self, rows: NDArray[T]) -> NDArray[T]:
        """Frames [blocks * frames, 16] of rows [blocks, 4, row] of any kind: the inverse of `interleave`."""
        flat = np.empty((len(rows), self.frames * COEFFICIENTS), rows.dtype)
        flat[:, self.order()] = rows
        return flat.reshape(-1, COEFFICIENTS)

    def horizon(self, frames: int) -> NDArray[np.int64]:
        """The last frame of the last block that is whole when frame i is shown, [frames]."""
        return (np.arange(frames) + self.frames + self.look_ahead) // self.frames * self.frames - 1
