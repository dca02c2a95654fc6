"""Rules for the amount of FEC that follow the loss: from reports, from the path itself, with retransmission."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import ClassVar

from scipy.special import bdtrc

from lossweep.sim.call.fec_rule import BlockFacts, NetworkView
from lossweep.sim.call.nack import DEFAULT_RTT_S

TARGET = 1e-3
"""Fraction of blocks that may stay broken."""
MOST_COPIES = 4


@lru_cache(maxsize=65536)
def repair_for(k: int, loss: float, target: float) -> int:
    """The fewest repair packets of an MDS code with which at most `target` of the blocks stay broken.

    Losses are taken as independent. At most k: half of what is sent.

    Args:
        k: source packets, >= 1.
        loss: fraction of packets lost, in [0, 1].
        target: in (0, 1]; 1 needs none.
    """
    if loss <= 0.0 or target >= 1.0:
        return 0
    for repair in range(k + 1):
        if bdtrc(repair, k + repair, loss) <= target:
            return repair
    return k


class NoFec:
    """No repair packets."""

    name: ClassVar[str] = "none"
    needs_reports: ClassVar[bool] = False

    def repair_packets(self, block: BlockFacts, network: NetworkView) -> int:
        """0."""
        return 0

    def copies(self, waited_s: float, network: NetworkView) -> int:
        """1: a retransmission is sent once."""
        return 1


class FollowLoss:
    """FEC for the mean of the loss that was reported in the last 10 s."""

    name: ClassVar[str] = "follow"
    needs_reports: ClassVar[bool] = True

    def repair_packets(self, block: BlockFacts, network: NetworkView) -> int:
        """Repair packets for a block."""
        return repair_for(block.k, _rounded(network.mean_loss), TARGET)

    def copies(self, waited_s: float, network: NetworkView) -> int:
        """1: a retransmission is sent once."""
        return 1


class Oracle(FollowLoss):
    """FEC for the path's own loss rate, which no sender knows: a bound for what follows reports."""

    name = "oracle"
    needs_reports = False

    def repair_packets(self, block: BlockFacts, network: NetworkView) -> int:
        """Repair packets for a block.

        Raises:
            ValueError: the path has no loss rate.
        """
        if network.path_loss is None:
            raise ValueError(
                "adaptive_fec oracle needs a channel with a loss rate; use follow or webrtc here"
            )
        return repair_for(block.k, _rounded(network.path_loss), TARGET)


class Hybrid(FollowLoss):
    """FEC for what retransmission cannot repair in time.

    If r rounds of requests fit the playout delay, a packet is left with the probability loss^r, and FEC has to meet
    the target for these only: none where the round trip is short, all of it where no round fits.
    """

    name = "hybrid"

    def repair_packets(self, block: BlockFacts, network: NetworkView) -> int:
        """Repair packets for a block."""
        loss = _rounded(network.mean_loss)
        rounds = fitting_rounds(network, block.frames / block.fps)
        return repair_for(block.k, loss, min(1.0, TARGET / max(loss, 1e-9) ** rounds))


class Hairpin(FollowLoss):
    """FEC only in the last round that fits the playout delay (after Hairpin, NSDI 2024).

    A block is sent without repair packets where a retransmission still fits, with those of `follow` where none does.
    The last retransmission that fits is sent as often as the target needs. Deviation: Hairpin takes the number of
    repair packets of each round from a Markov chain over the rounds left; here it is the fewest that meet the target.
    """

    name = "hairpin"

    def repair_packets(self, block: BlockFacts, network: NetworkView) -> int:
        """Repair packets for a block."""
        if fitting_rounds(network, block.frames / block.fps) >= 1:
            return 0
        return super().repair_packets(block, network)

    def copies(self, waited_s: float, network: NetworkView) -> int:
        """Copies of a retransmission: several where it is the last that can be in time."""
        rtt_s = network.rtt_s or DEFAULT_RTT_S
        left_s = network.playout_delay_s - waited_s - rtt_s / 2
        if not 0.0 <= left_s < rtt_s:
            return 1
        loss = min(max(network.mean_loss, 1e-3), 0.9)
        return min(MOST_COPIES, max(1, math.ceil(math.log(TARGET) / math.log(loss))))


def fitting_rounds(network: NetworkView, seen_after_s: float) -> int:
    """Requests and retransmissions that fit the playout delay.

    Args:
        seen_after_s: from a packet's loss to the arrival of the next, at which the gap is seen.
    """
    rtt_s = network.rtt_s or DEFAULT_RTT_S
    return max(0, math.floor((network.playout_delay_s - rtt_s / 2 - seen_after_s) / rtt_s + 1e-9))


def _rounded(loss: float) -> float:
    return round(loss, 3)
