"""Which numbers of a block's frames stand in which packet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.syncsc.face_model import COEFFICIENTS
from lossweep.endpoints.syncsc.semantics import blocks

SOURCE_PACKETS = 4
CODE_FRAMES = {0.5: 2, 0.25: 4}
"""Frames in a block of the paper's code at each code rate: {1/2: Npv 4, Dv 8}, {1/4: 4, 16}."""


@dataclass(frozen=True)
class Layout:
    """Blocks of `group` code blocks, sent as 4 source packets and their parity; and when frames are shown.

    PacSC's block has 8 rows of 8 numbers for 2 frames at rate 1/2, and 16 rows of 16 for 4 frames at 1/4.
    Row i of `group` consecutive blocks shares packet i, so a lost packet costs each block one row. The other
    codes send as many packets of as many bytes: 4 source packets (n = 8 or 16). Their frames are dealt
    like cards, frame i to packet i mod 4, so that what a lost packet takes has neighbours; where the block
    is not a multiple of 4 frames, half frames of 8 numbers are dealt.

    Attributes:
        rate: 0.5 or 0.25.
        group: >= 1.
        look_ahead: frames, >= 0.
    Raises:
        ValueError: a number out of its range.
    """

    rate: float
    group: int
    look_ahead: int

    def __post_init__(self) -> None:
        if self.rate not in CODE_FRAMES:
            raise ValueError(f"semantic codes have rate 0.5 or 0.25, not {self.rate!r}")
        for name, least in (("group", 1), ("look_ahead", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or not least <= value <= 64:
                raise ValueError(f"{name} is {value!r}; it must be a whole number in {least} to 64")

    @property
    def frames(self) -> int:
        """Frames of a block."""
        return CODE_FRAMES[self.rate] * self.group

    @property
    def packets(self) -> int:
        """Packets of a block with parity, n."""
        return round(SOURCE_PACKETS / self.rate)

    @property
    def row(self) -> int:
        """Numbers in a packet."""
        return self.frames * COEFFICIENTS // SOURCE_PACKETS

    @property
    def delay_frames(self) -> int:
        """Frames from a frame's end until it is shown."""
        return self.frames - 1 + self.look_ahead

    def dealt(self) -> NDArray[np.int64]:
        """Which number of the block stands where: [4, row], indices into frames x 16 numbers, flat."""
        part = COEFFICIENTS if self.frames % SOURCE_PACKETS == 0 else COEFFICIENTS // 2
        order = np.arange(self.frames * COEFFICIENTS).reshape(-1, SOURCE_PACKETS, part)
        return order.transpose(1, 0, 2).reshape(SOURCE_PACKETS, -1)

    def last_frames(self) -> NDArray[np.int64]:
        """The last frame in each source packet, [4], counted in the block."""
        return self.dealt().max(1) // COEFFICIENTS

    def deal(self, numbers: NDArray[np.floating]) -> NDArray[np.float32]:
        """Rows [blocks, 4, row] of frames [n, 16]; the last frame is repeated to fill the last block."""
        return blocks(numbers, self.frames).reshape(-1, self.frames * COEFFICIENTS)[:, self.dealt()]

    def collect(self, rows: NDArray) -> NDArray:
        """Frames [blocks * frames, 16] of rows [blocks, 4, row] of any kind: the inverse of `deal`."""
        flat = np.empty((len(rows), self.frames * COEFFICIENTS), rows.dtype)
        flat[:, self.dealt()] = rows
        return flat.reshape(-1, COEFFICIENTS)

    def horizon(self, frames: int) -> NDArray[np.int64]:
        """The last frame of the last block that is whole when frame i is shown, [frames]."""
        return (np.arange(frames) + self.frames + self.look_ahead) // self.frames * self.frames - 1
