"""What all packet codes of face coefficients have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.syncsc.codes.interleaving import Layout
from lossweep.sim.stream import PacketCode

Rows = Sequence[Sequence[bytes | None]]
"""RTP payloads by block and encoding symbol ID; None where one did not arrive in time."""

LARGEST = 16.0
"""Coefficients are sent within +-16 standard deviations (`Scaling.standardize`); received ones are clamped to it."""


class Estimate(NamedTuple):
    """What a decoder makes of the rows that arrived.

    Attributes:
        coefficients: float32 [frames, 16], in standard deviations.
        whole: bool [frames]; the frame's coefficients arrived, or the code gave them back exactly.
    """

    coefficients: NDArray[np.float32]
    whole: NDArray[np.bool_]


class FaceCode(Protocol):
    """Sends frames of 16 coefficients as rows, one per packet, and estimates the frames from the rows that arrive.

    Rows have no header: block and encoding symbol ID follow from the RTP sequence number.

    """

    @property
    def layout(self) -> Layout:
        """Which frames stand in a block, and when they are shown."""
        ...

    @property
    def block(self) -> PacketCode:
        """A block as the simulator sees it: its n rows, and what they recover by arrival pattern."""
        ...

    @property
    def ready(self) -> NDArray[np.int64]:
        """The frame of the block at whose end each row can be sent, [n]."""
        ...

    def encode(self, coefficients: NDArray[np.float32]) -> list[list[bytes]]:
        """The n rows of each block.

        Args:
            coefficients: [frames, 16], in standard deviations; the last frame is repeated to fill the last block.
        """
        ...

    def decode(self, rows: Rows, reference: NDArray[np.float32]) -> Estimate:
        """All frames of the blocks, from what arrived in time. Raises nothing, whatever the rows.

        Frame i is estimated from the blocks up to `layout.horizon` alone. A row that this code cannot have sent
        (another length, not a number) counts as lost.

        Args:
            rows: block by block from the first; n of each block.
            reference: [16], of the picture that both ends share: the frame before the first.
        """
        ...


class PassThrough:
    """A block as the simulator sees it whose code gives no lost packet back: each of the n counts by itself.

    What is made of the packets that arrive is measured in the coefficients and in the pictures.

    Args:
        n: packets of a block; all count as source.
    """

    mds: ClassVar[bool] = False

    def __init__(self, n: int) -> None:
        self.k = self.n = n

    def recovers(self, arrived: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """What arrived, bool [n]."""
        return arrived
