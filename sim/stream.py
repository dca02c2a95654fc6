"""What an endpoint puts on the wire: RTP packets in blocks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


class PacketCode(Protocol):
    """A packet-level block code: k source packets become n, of which some arrive.

    Raises nothing; says from the arrival pattern alone what it recovers.

    Attributes:
        k, n: source packets, all packets.
        mds: whether any k of the n packets give the block back, and fewer give only themselves.
    """

    k: int
    n: int
    mds: ClassVar[bool]

    def recovers(self, arrived: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Source packets known after repair.

        Args:
            arrived: bool [n], by ESI.
        Returns:
            bool [k]: arrived or recovered.
        """
        ...


class Progress(Protocol):
    """What is known of one block while its packets arrive."""

    def add(self, esi: int) -> list[int]:
        """Notes the arrival of a packet, once for each; the source packets that repair gives at this moment."""
        ...


@runtime_checkable
class IncrementalCode(PacketCode, Protocol):
    """A code that says arrival by arrival what it repairs; for blocks so long that asking `recovers` is slow."""

    def progress(self) -> Progress:
        """The state of a block of which nothing has arrived."""
        ...


@dataclass(frozen=True)
class Block:
    """A source block: the unit that packet coding protects (a GOP, a window of words).

    Its packets stand together in the stream, in ESI order, from index `first` to `first + code.n`.
    """

    sbn: int
    first: int
    code: PacketCode
    media_start_s: float
    media_duration_s: float

    @property
    def packets(self) -> slice:
        """Where the block's packets stand in the stream."""
        return slice(self.first, self.first + self.code.n)


@dataclass(frozen=True)
class Stream:
    """What a sender puts on the wire: RTP packets with real bytes, block after block, by ESI in a block.

    Only the network reads it; a receiver gets the packets that arrive (`Delivery.arrivals`).

    Attributes:
        packets: RTP header and payload of each packet.
        media_time_s: float64 [packets]; presentation time of the first thing in the packet. Its deadline
            at the receiver is this plus the playout delay. Repair packets: that of the first source packet that
            they depend on, or of the last one where windows slide.
        available_s: float64 [packets]; when the sender has the packet (its frame captured, or, for what
            needs the whole block, the block's end). Packets of equal time leave together, paced.
        blocks: in order of `sbn` = 0, 1, ...; all packets belong to one.
    """

    packets: tuple[bytes, ...]
    media_time_s: NDArray[np.float64]
    available_s: NDArray[np.float64]
    blocks: tuple[Block, ...]

    @cached_property
    def slots(self) -> Slots:
        """The place of each packet, computed once for all networks that the stream is sent through.

        Raises:
            ValueError: an empty stream, or blocks that are not the stream's packets.
        """
        return Slots.of(self)

    @property
    def duration_s(self) -> float:
        """Media time from the first block's start to the latest end of one."""
        ends = (block.media_start_s + block.media_duration_s for block in self.blocks)
        return max(ends) - self.blocks[0].media_start_s


@dataclass(frozen=True)
class Slots:
    """The place of each packet of a stream, in the stream's order; all arrays have shape [packets].

    Attributes:
        sbn, esi: int64; source block number and encoding symbol ID.
        source: bool; esi < k.
        size_bytes: int64; RTP header and payload.
    """

    sbn: NDArray[np.int64]
    esi: NDArray[np.int64]
    source: NDArray[np.bool_]
    size_bytes: NDArray[np.int64]

    @classmethod
    def of(cls, stream: Stream) -> Slots:
        """The slots of a stream; see `Stream.slots`."""
        if not len(stream.packets):
            raise ValueError("the stream has no packets; nothing can be simulated")
        rows = [(block.sbn, block.first, block.code.k, block.code.n) for block in stream.blocks]
        sbn, first, k, n = np.array(rows, dtype=np.int64).reshape(-1, 4).T
        starts = np.cumsum(n) - n
        if n.sum() != len(stream.packets) or (sbn != np.arange(len(n))).any() or (first != starts).any():
            raise ValueError(
                f"the stream's {len(stream.packets)} packets are not its blocks' {n.sum()}, block after block"
            )
        esi = np.arange(n.sum()) - np.repeat(starts, n)
        sizes = np.fromiter(map(len, stream.packets), dtype=np.int64, count=len(stream.packets))
        return cls(np.repeat(sbn, n), esi, esi < np.repeat(k, n), sizes)
