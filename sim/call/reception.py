"""What a receiver reports of one stream: loss and interarrival jitter (RFC 3550, Appendices A.3 and A.8)."""

from __future__ import annotations

from lossweep.sim.rtcp.report import ReportBlock, middle, ntp


class Reception:
    """Counts of one stream's packets as they arrive; retransmissions are a stream of their own and do not count.

    Args:
        ssrc: of the stream.
        clock_rate: ticks per second.
        first_sequence_number: uint16.
    """

    def __init__(self, ssrc: int, clock_rate: int, first_sequence_number: int) -> None:
        self._ssrc, self._clock_rate, self._first = ssrc, clock_rate, first_sequence_number
        self._highest = -1
        self._received = 0
        self._before = (0, 0)
        self._jitter = 0.0
        self._transit: float | None = None
        self._report: tuple[int, float] | None = None

    def arrive(self, number: int, timestamp: int, now: float) -> None:
        """Notes a packet with its extended number and RTP timestamp."""
        self._received += 1
        self._highest = max(self._highest, number)
        transit = now * self._clock_rate - timestamp
        if self._transit is not None:
            difference = abs(transit - self._transit)
            if difference < 2**31:  # the timestamp did not wrap in between
                self._jitter += (difference - self._jitter) / 16
        self._transit = transit

    def sender_report(self, ntp_time: int, now: float) -> None:
        """Notes when a sender report came."""
        self._report = middle(ntp_time), now

    @property
    def lost(self) -> int:
        """Packets expected so far and not received; negative with duplicates."""
        return self._highest + 1 - self._received

    def block(self, now: float) -> ReportBlock:
        """The report block for what came since the last one."""
        expected, received = self._highest + 1 - self._before[0], self._received - self._before[1]
        self._before = self._highest + 1, self._received
        fraction = max(0.0, (expected - received) / expected) if expected > 0 else 0.0
        last, delay = 0, 0
        if self._report is not None:
            last = self._report[0]
            delay = middle(ntp(now)) - middle(ntp(self._report[1]))
        return ReportBlock(
            self._ssrc,
            fraction,
            self.lost,
            (self._first + max(self._highest, 0)) % 2**32,
            round(self._jitter),
            last,
            delay % 2**32,
        )
