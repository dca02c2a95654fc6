"""Google congestion control: the trend of one-way delays and the loss (draft-ietf-rmcat-gcc, WebRTC's constants)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import ClassVar

from lossweep.sim.call.rate_control import Acknowledged

WINDOW, SMOOTHING, GAIN = 20, 0.9, 4.0
THRESHOLD_MS, LEAST_MS, LARGEST_MS = 12.5, 6.0, 600.0
K_UP, K_DOWN = 0.0087, 0.039
OVERUSE_S = 0.01
BETA, GROWTH_PER_S = 0.85, 1.08
LOSS_LOW, LOSS_HIGH, LOSS_GROWTH = 0.02, 0.10, 1.05
BURST_S = 0.005
MOST_DELTAS = 60
RATE_WINDOW_S = 0.5
HEADROOM = 1.5


class GoogleCongestionControl:
    """GCC at the sender.

    Delay: packets sent within 5 ms are a group; the differences of arrival and departure between groups are summed,
    smoothed, and fitted with a line over 20 groups. A slope above the adaptive threshold for 10 ms is overuse: the
    rate falls to 0.85 times what arrives. Otherwise it grows by 8 % per second, or, near the last overuse, by about
    one packet per round trip. Loss: above 10 % the rate falls by half of the loss, below 2 % it may grow by 5 % per
    second of feedback. The smaller of both rates counts.

    Args:
        start_bps, least_bps, largest_bps: bits per second.
    """

    name: ClassVar[str] = "gcc"

    def __init__(self, start_bps: float, least_bps: float, largest_bps: float) -> None:
        self._least, self._largest = least_bps, largest_bps
        self._delay_bps = self._loss_bps = start_bps
        self._rtt_s = 0.1
        self._group: tuple[float, float, float] | None = None  # first departure, last departure, last arrival
        self._before: tuple[float, float] | None = None
        self._sum_ms = self._smooth_ms = 0.0
        self._points: deque[tuple[float, float]] = deque(maxlen=WINDOW)
        self._deltas = 0
        self._first_arrival_s: float | None = None
        self._threshold_ms = THRESHOLD_MS
        self._trend = 0.0
        self._over_s = 0.0
        self._updated_s: float | None = None
        self._state = "normal"
        self._increased_s: float | None = None
        self._decreased_s = -1.0
        self._link_bps: float | None = None
        self._received: deque[tuple[float, int]] = deque()
        self._lossy: deque[tuple[float, int, int]] = deque()
        self._loss_updated_s = 0.0

    @property
    def rate_bps(self) -> float:
        """The rate on the wire, bits per second."""
        return min(max(min(self._delay_bps, self._loss_bps), self._least), self._largest)

    def round_trip(self, rtt_s: float) -> None:
        """Takes a new round trip."""
        self._rtt_s = rtt_s

    def feedback(self, packets: Sequence[Acknowledged], now: float) -> None:
        """Takes the packets of one feedback message."""
        lost = 0
        for packet in packets:
            if packet.arrived_s is None:
                lost += 1
                continue
            self._received.append((packet.arrived_s, packet.size_bytes))
            self._arrive(packet.sent_s, packet.arrived_s)
        self._by_delay(now)
        self._by_loss(lost, len(packets), now)

    def _arrive(self, sent_s: float, arrived_s: float) -> None:
        if self._group is None:
            self._group = sent_s, sent_s, arrived_s
            return
        first, last, arrived = self._group
        if sent_s - first <= BURST_S:
            self._group = first, max(last, sent_s), max(arrived, arrived_s)
            return
        if self._before is not None:
            self._delta(
                (arrived - self._before[1]) - (last - self._before[0]), arrived, last - self._before[0]
            )
        self._before = last, arrived
        self._group = sent_s, sent_s, arrived_s

    def _delta(self, gradient_s: float, arrived_s: float, interval_s: float) -> None:
        if self._first_arrival_s is None:
            self._first_arrival_s = arrived_s
        self._deltas = min(self._deltas + 1, MOST_DELTAS)
        self._sum_ms += 1000 * gradient_s
        self._smooth_ms = SMOOTHING * self._smooth_ms + (1 - SMOOTHING) * self._sum_ms
        self._points.append((1000 * (arrived_s - self._first_arrival_s), self._smooth_ms))
        if len(self._points) == WINDOW:
            self._detect(_slope(self._points), arrived_s, interval_s)

    def _detect(self, slope: float, arrived_s: float, interval_s: float) -> None:
        modified_ms = self._deltas * slope * GAIN
        if modified_ms > self._threshold_ms:
            self._over_s += interval_s
            if self._over_s > OVERUSE_S and slope >= self._trend:
                self._over_s = 0.0
                self._state = "over"
        else:
            self._over_s = 0.0
            self._state = "under" if modified_ms < -self._threshold_ms else "normal"
        self._trend = slope
        passed_ms = 0.0 if self._updated_s is None else min(100.0, 1000 * (arrived_s - self._updated_s))
        self._updated_s = arrived_s
        if abs(modified_ms) <= self._threshold_ms + 15.0:
            k = K_DOWN if abs(modified_ms) < self._threshold_ms else K_UP
            self._threshold_ms += k * (abs(modified_ms) - self._threshold_ms) * passed_ms
            self._threshold_ms = min(max(self._threshold_ms, LEAST_MS), LARGEST_MS)

    def _by_delay(self, now: float) -> None:
        acknowledged = self._acknowledged_bps()
        if self._state == "over":
            if acknowledged is not None and now - self._decreased_s > self._rtt_s:
                self._delay_bps = min(self._delay_bps, BETA * acknowledged)
                before = acknowledged if self._link_bps is None else self._link_bps
                self._link_bps = before + 0.05 * (acknowledged - before)
                if abs(acknowledged - self._link_bps) > 0.3 * self._link_bps:
                    self._link_bps = acknowledged
                self._decreased_s = now
            self._increased_s = now
            self._state = "hold"
        elif self._state == "normal":
            passed_s = 0.0 if self._increased_s is None else min(1.0, now - self._increased_s)
            self._increased_s = now
            near = (
                self._link_bps is not None and abs(self._delay_bps - self._link_bps) < 0.15 * self._link_bps
            )
            if near:
                packet_bits = 8 * 1200
                self._delay_bps += max(1000.0, packet_bits / (self._rtt_s + 0.1)) * passed_s
            else:
                if self._link_bps is not None and self._delay_bps > 1.15 * self._link_bps:
                    self._link_bps = None
                self._delay_bps *= GROWTH_PER_S**passed_s
            if acknowledged is not None:
                self._delay_bps = min(self._delay_bps, max(HEADROOM * acknowledged + 10_000, self._least))
        else:
            self._increased_s = now
        self._delay_bps = min(max(self._delay_bps, self._least), self._largest)

    def _by_loss(self, lost: int, total: int, now: float) -> None:
        self._lossy.append((now, lost, total))
        while self._lossy and self._lossy[0][0] < now - 1.0:
            self._lossy.popleft()
        if now - self._loss_updated_s < max(self._rtt_s, 0.2) + 0.1:
            return
        count = sum(one[2] for one in self._lossy)
        loss = sum(one[1] for one in self._lossy) / count if count else 0.0
        passed_s = min(1.0, now - self._loss_updated_s)
        self._loss_updated_s = now
        if loss > LOSS_HIGH:
            self._loss_bps = self.rate_bps * (1 - loss / 2)
        elif loss < LOSS_LOW:
            self._loss_bps = max(self._loss_bps, self.rate_bps) * LOSS_GROWTH**passed_s
            if self._loss_bps < self._delay_bps and loss == 0.0:
                self._loss_bps *= 1 + 0.08 * passed_s
        self._loss_bps = min(max(self._loss_bps, self._least), self._largest)

    def _acknowledged_bps(self) -> float | None:
        if not self._received:
            return None
        end = self._received[-1][0]
        while self._received[0][0] < end - RATE_WINDOW_S:
            self._received.popleft()
        span_s = end - self._received[0][0]
        if span_s < 0.15:
            return None
        return 8 * sum(size for _, size in self._received) / max(span_s, RATE_WINDOW_S)


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Slope of the least-squares line; 0 where all times are equal."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    below = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / below if below else 0.0
