"""What happened in a call: packets with their fate, and one row per transmission."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from lossweep.sim.repair import progress_of
from lossweep.sim.stream import PacketCode, Progress


class Kind(IntEnum):
    """What a datagram is for."""

    SOURCE = 0
    FEC = 1
    RTX = 2
    FEEDBACK = 3


@dataclass(slots=True, eq=False)
class MediaPacket:
    """A source or FEC packet of the sender.

    Attributes:
        data: RTP header and payload, without what is added on the way (transport-wide numbers).
        number: source packets: extended sequence number from the stream's first on; FEC packets: -1.
        block, esi: where it stands.
        media_time_s: of the first thing in it.
        available_s: when the sender has it.
        sent_s: first departure; nan before.
        arrived_s: first arrival of the packet itself; inf before.
        retransmitted_s: first arrival as a retransmission; inf before.
        repaired_s: when FEC gave it; inf before.
        requests: retransmissions sent.
    """

    data: bytes
    number: int
    block: SourceBlock
    esi: int
    media_time_s: float
    available_s: float
    sent_s: float = math.nan
    arrived_s: float = math.inf
    retransmitted_s: float = math.inf
    repaired_s: float = math.inf
    requests: int = 0

    @property
    def known_s(self) -> float:
        """When the receiver had it, however it came; inf before."""
        return min(self.arrived_s, self.retransmitted_s, self.repaired_s)


@dataclass(slots=True, eq=False)
class SourceBlock:
    """Packets that FEC protects together.

    Attributes:
        sbn: names the random numbers of its packets, with the ESI.
        code: of k and n packets; None until its repair packets are made.
        packets: by ESI.
    """

    sbn: int
    media_start_s: float
    media_duration_s: float
    code: PacketCode | None = None
    packets: list[MediaPacket] = field(default_factory=list)
    key: bool = False
    _repair: Progress | None = None

    def arrived(self, esi: int) -> list[MediaPacket]:
        """Notes an arrival; the source packets that FEC gives at this moment."""
        if self.code is None or self.code.n == self.code.k:
            return []
        if self._repair is None:
            if esi < self.code.k:
                return []
            self._repair = progress_of(self.code)
            for one in range(self.code.k):
                if min(self.packets[one].arrived_s, self.packets[one].retransmitted_s) < math.inf:
                    self._repair.add(one)
        return [self.packets[source] for source in self._repair.add(esi)]


@dataclass(slots=True)
class Transmissions:
    """One row per datagram that a sender handed to its path; lists of equal length.

    Attributes:
        data: UDP payload as it was sent.
        packet: what it carries; None for feedback and reports.
        kind: a `Kind`.
        sent_s, arrived_s: of its first copy to arrive; inf where it was lost.
        size_bytes: with IPv4 and UDP headers.
    """

    data: list[bytes] = field(default_factory=list)
    packet: list[MediaPacket | None] = field(default_factory=list)
    kind: list[int] = field(default_factory=list)
    sent_s: list[float] = field(default_factory=list)
    arrived_s: list[float] = field(default_factory=list)
    size_bytes: list[int] = field(default_factory=list)

    def add(self, data: bytes, packet: MediaPacket | None, kind: Kind, now: float, size_bytes: int) -> int:
        """Notes a departure; the index of its row."""
        self.data.append(data)
        self.packet.append(packet)
        self.kind.append(int(kind))
        self.sent_s.append(now)
        self.arrived_s.append(math.inf)
        self.size_bytes.append(size_bytes)
        return len(self.data) - 1

    def arrive(self, index: int, now: float) -> None:
        """Notes an arrival."""
        self.arrived_s[index] = min(self.arrived_s[index], now)

    def arrays(self) -> TransmissionTable:
        """The rows as arrays."""
        return TransmissionTable(
            np.array(self.kind, dtype=np.int64),
            np.array(self.sent_s),
            np.array(self.arrived_s),
            np.array(self.size_bytes, dtype=np.int64),
        )


@dataclass(frozen=True)
class TransmissionTable:
    """One row per transmission; all arrays have shape [transmissions].

    Attributes:
        kind: int64, a `Kind`.
        sent_s, arrived_s: float64; inf where it was lost.
        size_bytes: int64; with IPv4 and UDP headers.
    """

    kind: NDArray[np.int64]
    sent_s: NDArray[np.float64]
    arrived_s: NDArray[np.float64]
    size_bytes: NDArray[np.int64]

    def of(self, *kinds: Kind) -> NDArray[np.bool_]:
        """Which rows are of these kinds, bool [transmissions]."""
        return np.isin(self.kind, [int(kind) for kind in kinds])
