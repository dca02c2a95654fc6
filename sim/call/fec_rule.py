"""How many repair packets a block gets: the interface of adaptive FEC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol


@dataclass(frozen=True)
class BlockFacts:
    """What a sender knows of a block when it makes its repair packets.

    Attributes:
        k: source packets.
        key: whether a key frame is in it.
        frames: frames that it spans.
        size_bytes: of the source packets, with RTP headers.
        height, width: of the pictures.
        fps: frames per second.
    """

    k: int
    key: bool
    frames: int
    size_bytes: int
    height: int
    width: int
    fps: float


@dataclass(frozen=True)
class NetworkView:
    """What a sender knows of the network.

    Attributes:
        mean_loss: fraction of packets lost, mean of the reports of the last 10 s.
        worst_loss: the largest of them.
        path_loss: the path's own loss rate, which only an oracle may use; None where it has no such law.
        rtt_s: round trip; None before the first report.
        playout_delay_s: of the call.
    """

    mean_loss: float
    worst_loss: float
    path_loss: float | None
    rtt_s: float | None
    playout_delay_s: float


class FecRule(Protocol):
    """Decides the amount of FEC.

    Attributes:
        name: as a scenario names it.
        needs_reports: whether it needs the receiver's reports.
    """

    name: ClassVar[str]
    needs_reports: ClassVar[bool]

    def repair_packets(self, block: BlockFacts, network: NetworkView) -> int:
        """Repair packets for a block, >= 0."""
        ...

    def copies(self, waited_s: float, network: NetworkView) -> int:
        """How often a retransmission is sent, >= 1.

        Args:
            waited_s: since the packet's media time.
        """
        ...
