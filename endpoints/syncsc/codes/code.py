"""What all packet codes of face semantics have in common, and how one is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.registry import Registry

SEMANTIC_CODES = Registry(
    "semantic code",
    "lossweep.semantic_codes",
    {
        "none": "lossweep.endpoints.syncsc.codes.reed_solomon:Unprotected",
        "rs": "lossweep.endpoints.syncsc.codes.reed_solomon:ReedSolomonCode",
        "pacsc": "lossweep.endpoints.syncsc.codes.pacsc:PacSC",
        "pacsc-s": "lossweep.endpoints.syncsc.codes.pacsc_s:PacSCS",
    },
)


@dataclass(frozen=True)
class Packet:
    """A packet's RTP payload, and the frame at whose end it can be sent."""

    frame: int
    payload: bytes


@dataclass(frozen=True)
class Inexact:
    """What the simulator is told of a code that gives no lost packet back: each of the n says something.

    What is made of the packets that arrive is measured in the numbers and in the pictures.
    """

    n: int

    @property
    def k(self) -> int:
        """All packets count as source."""
        return self.n

    def recovers(self, arrived: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """What arrived, bool [n]."""
        return arrived


class SemanticCode(Protocol):
    """Sends frames of 16 numbers in packets and makes frames of what arrives.

    Made as `cls(rate, group, look_ahead, device, **options)`. No code needs a header of its own: block and
    packet in it follow from the RTP sequence number, the number of frames from the session.

    Attributes:
        name: as registered.
        label: for tables and plots.
        delay_frames: how many frames after its own end a frame is shown: what is left of its block, and
            the look-ahead. Frame i is shown at the end of frame i + delay_frames, from the blocks that are
            whole by then.
        block_frames, block_packets: frames of a block of grouped rows, and its packets. Packet i of
            `packets` belongs to block i // block_packets.
    """

    name: str
    label: str
    delay_frames: int
    block_frames: int
    block_packets: int

    def packets(self, numbers: NDArray[np.float32]) -> list[Packet]:
        """All packets of a clip in sending order; numbers [frames, 16] in standard deviations."""
        ...

    def decode(
        self, payloads: list[bytes | None], frames: int, reference: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """The frames' numbers, float32 [frames, 16], from what arrived in time. Never raises on losses.

        Args:
            payloads: in the order of `packets`; None where one was lost or late.
            frames: of the clip.
            reference: [16], of the picture shared beforehand: what is known before anything arrives.
        """
        ...

    @classmethod
    def weights(cls) -> dict[str, str]:
        """File name -> SHA-256 of the weights that the code reads; empty without."""
        ...


def code_of(
    name: str, rate: float = 0.5, group: int = 4, look_ahead: int = 0, device: str = "cpu", **options: str
) -> SemanticCode:
    """The code of that name.

    Args:
        name: none, rs, pacsc or pacsc-s.
        rate: 0.5 or 0.25; `none` sends the source packets that this rate's block has, without parity.
        group: blocks of the code whose rows share packets (interleaved), >= 1.
        look_ahead: frames to wait beyond the block, >= 0.
        options: of none and rs: `interpolation`, linear (the default) or hold; `coding`, float16 (the default)
            or integers (entropy coded, steps of 1/32).
    Raises:
        ValueError: one line; a name, an option or a number out of its range.
    """
    return SEMANTIC_CODES.get(name)(rate, group, look_ahead, device, **options)
