"""Packets at one point of a path: as arrays for the open loop, one at a time for the closed loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

CROSS_TRAFFIC = -1
"""`index` of packets that belong to other senders."""
DUPLICATE = 1 << 16
"""What a duplication adds to `copy`."""


@dataclass(slots=True)
class Packet:
    """One IP packet; the fields are those of `Packets`."""

    index: int
    sbn: int
    esi: int
    size_bytes: int
    copy: int = 0
    flipped_bit: int = -1


@dataclass(frozen=True)
class Packets:
    """IP packets in the order in which they pass one point of a path. All arrays have shape [packets].

    Attributes:
        index: int64; place in the stream, or `CROSS_TRAFFIC`.
        sbn, esi: int64; source block number and encoding symbol ID. They name the packet's random numbers.
        size_bytes: int64; with IP, UDP and RTP headers.
        time_s: float64, nondecreasing; when each packet passes.
        copy: int64; 0 for the first datagram of its slot (sbn, esi), counted on by retransmissions, `DUPLICATE`
            and more for what the network duplicated. None: all are 0.
        flipped_bit: int64; the bit of the UDP payload that the path inverted, -1 where none. None: no packet.
    """

    index: NDArray[np.int64]
    sbn: NDArray[np.int64]
    esi: NDArray[np.int64]
    size_bytes: NDArray[np.int64]
    time_s: NDArray[np.float64]
    copy: NDArray[np.int64] | None = None
    flipped_bit: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.index)

    def select(self, which: NDArray[np.bool_] | NDArray[np.int64] | slice) -> Packets:
        """The packets of a mask, of indices, or of a slice, in that order."""
        return Packets(
            self.index[which],
            self.sbn[which],
            self.esi[which],
            self.size_bytes[which],
            self.time_s[which],
            None if self.copy is None else self.copy[which],
            None if self.flipped_bit is None else self.flipped_bit[which],
        )

    def at(self, time_s: NDArray[np.float64]) -> Packets:
        """The same packets at other times."""
        return replace(self, time_s=time_s)

    def copies(self) -> NDArray[np.int64]:
        """`copy`, with its zeros."""
        return np.zeros(len(self), dtype=np.int64) if self.copy is None else self.copy

    def flipped_bits(self) -> NDArray[np.int64]:
        """`flipped_bit`, with -1 where nothing was inverted."""
        return np.full(len(self), -1, dtype=np.int64) if self.flipped_bit is None else self.flipped_bit

    def rows(self) -> Iterator[Packet]:
        """The packets one by one."""
        columns = (self.index, self.sbn, self.esi, self.size_bytes, self.copies(), self.flipped_bits())
        return map(Packet, *(column.tolist() for column in columns))


def in_order(*parts: Packets) -> Packets:
    """All packets of the parts by time; those of equal time in the order given."""
    given = [part for part in parts if len(part)] or [parts[0]]
    merged = given[0] if len(given) == 1 else _concatenate(given)
    times = merged.time_s
    if len(times) < 2 or bool(np.all(times[1:] >= times[:-1])):
        return merged
    return merged.select(np.argsort(times, kind="stable"))


def _concatenate(parts: list[Packets]) -> Packets:
    plain = all(part.copy is None for part in parts), all(part.flipped_bit is None for part in parts)
    return Packets(
        np.concatenate([part.index for part in parts]),
        np.concatenate([part.sbn for part in parts]),
        np.concatenate([part.esi for part in parts]),
        np.concatenate([part.size_bytes for part in parts]),
        np.concatenate([part.time_s for part in parts]),
        None if plain[0] else np.concatenate([part.copies() for part in parts]),
        None if plain[1] else np.concatenate([part.flipped_bits() for part in parts]),
    )
