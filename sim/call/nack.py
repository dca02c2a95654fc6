"""Which packets a receiver requests again, and when: WebRTC's rule for generic NACK."""

from __future__ import annotations

import math
from dataclasses import dataclass

DEFAULT_RTT_S = 0.1
"""Until a round trip is known."""
REORDERING_BUCKETS = 128
CLOCK_RESOLUTION_S = 1e-9
AFTER_RTT_S = 1e-4
"""More than the rounding of times in RTCP, so that a retransmission that is on its way is not requested again."""


@dataclass(frozen=True)
class NackRule:
    """Limits of the requests.

    Attributes:
        max_retries: requests for one packet, >= 1.
        max_age_packets: a gap that lies further back is given up.
        max_entries: with more gaps than this all are given up, and a key frame is asked for.
    Source: WebRTC (modules/video_coding): 1000 entries, 10,000 packets, 10 requests until 2024 and 100 since.
    """

    max_retries: int = 100
    max_age_packets: int = 10_000
    max_entries: int = 1000

    def __post_init__(self) -> None:
        for name in ("max_retries", "max_age_packets", "max_entries"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)!r}; it must be 1 or more")


@dataclass(slots=True)
class _Missing:
    after: int
    since_s: float
    requested_s: float = -math.inf
    requests: int = 0


class NackRequester:
    """The gaps of one stream.

    A packet is requested when a packet comes whose number is larger by the median reordering so far, at once where
    there was none, and again when the retransmission should have come, a round trip later. WebRTC looks for repeats
    every 20 ms; here a repeat is due 0.1 ms after the round trip.

    Args:
        rule: limits.
        give_up_s: a gap that is older is given up; inf never (where late packets still serve as references).
    Attributes:
        rtt_s: the round trip as the receiver knows it.
        overflows: how often all gaps were given up at once.
    """

    def __init__(self, rule: NackRule, give_up_s: float = math.inf) -> None:
        self._rule, self._give_up_s = rule, give_up_s
        self._missing: dict[int, _Missing] = {}
        self._highest = -1
        self._reordered = [0] * REORDERING_BUCKETS
        self.rtt_s = DEFAULT_RTT_S
        self.overflows = 0

    def received(self, number: int, now: float, itself: bool = True) -> None:
        """Notes a packet that is there.

        Args:
            number: extended sequence number from the stream's first packet on.
            itself: it arrived as it was sent first; not as a retransmission, nor by FEC.
        """
        gap = self._missing.pop(number, None)
        if number > self._highest:
            if number > self._highest + 1:
                wait = self._wait_packets()
                for one in range(self._highest + 1, number):
                    self._missing[one] = _Missing(one + wait, now)
                self._limit(number)
            self._highest = number
        elif itself and gap is not None and self._highest > number:
            self._reordered[min(self._highest - number, REORDERING_BUCKETS) - 1] += 1

    def due(self, now: float) -> list[int]:
        """The packets to be requested now; they count as requested."""
        found, over = [], []
        for number, gap in self._missing.items():
            if now - gap.since_s > self._give_up_s:
                over.append(number)
            elif gap.requests == 0:
                if self._highest >= gap.after:
                    found.append(number)
            elif now - gap.requested_s >= self.rtt_s + AFTER_RTT_S - CLOCK_RESOLUTION_S:
                (over if gap.requests >= self._rule.max_retries else found).append(number)
        for number in over:
            del self._missing[number]
        for number in found:
            gap = self._missing[number]
            gap.requested_s = now
            gap.requests += 1
        return found

    def next_s(self) -> float:
        """When the next repeat is due; inf where none is."""
        times = [gap.requested_s for gap in self._missing.values() if gap.requests]
        return min(times) + self.rtt_s + AFTER_RTT_S if times else math.inf

    def _wait_packets(self) -> int:
        """Median distance by which packets came late so far, in packets; 0 before the first did."""
        total, seen = sum(self._reordered), 0
        if not total:
            return 0
        for place, count in enumerate(self._reordered):
            seen += count
            if 2 * seen >= total:
                return place + 1
        return REORDERING_BUCKETS

    def _limit(self, highest: int) -> None:
        oldest = highest - self._rule.max_age_packets
        for number in [one for one in self._missing if one < oldest]:
            del self._missing[number]
        if len(self._missing) > self._rule.max_entries:
            self._missing.clear()
            self.overflows += 1
