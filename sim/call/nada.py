"""NADA: one congestion signal of queueing delay and loss drives the rate (RFC 8698)."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import ClassVar

from lossweep.sim.call.rate_control import Acknowledged

PRIO, X_REF_S, KAPPA, ETA, TAU_S, DELTA_S = 1.0, 0.01, 0.5, 2.0, 0.5, 0.1
LOG_WINDOW_S, QEPS_S, DFILT_S = 0.5, 0.01, 0.12
GAMMA_MAX, QBOUND_S = 0.5, 0.05
MULTILOSS, QTH_S, LAMBDA = 7.0, 0.05, 0.5
PLR_REF, D_LOSS_S = 0.01, 0.01
ALPHA = 0.1
DELAY_WINDOW = 15
LOSS_EXPIRES_S = 1.0
MOST_SIGNAL_S = 0.5


class Nada:
    """The sender of NADA, with the receiver's measurements taken from transport-wide feedback.

    Where the last 500 ms show neither loss nor a queue the rate is ramped up in proportion to what arrives; otherwise
    it follows the difference between the aggregate congestion signal and its reference. Deviations: the base delay is
    the minimum over the call (RFC 8698 keeps the minimum of LOGWIN for long calls), and loss counts with DLOSS for as
    long as one was seen in the last second (RFC 8698 measures the loss interval, as TFRC). The signal is at most 0.5 s:
    the square of a loss of 40 % would be 16 s, and its fall would drive the rate from one end to the other.

    Args:
        start_bps, least_bps, largest_bps: bits per second.
    Source: RFC 8698, Sections 4.2 and 4.3, Figure 3 (constants).
    """

    name: ClassVar[str] = "nada"

    def __init__(self, start_bps: float, least_bps: float, largest_bps: float) -> None:
        self._rate, self._least, self._largest = start_bps, least_bps, largest_bps
        self._rtt_s = 0.1
        self._base_s = math.inf
        self._delays: deque[float] = deque(maxlen=DELAY_WINDOW)
        self._log: deque[tuple[float, float, int]] = deque()
        self._received: deque[tuple[float, int]] = deque()
        self._loss_ratio = 0.0
        self._lost_s = -math.inf
        self._signal = 0.0
        self._updated_s: float | None = None

    @property
    def rate_bps(self) -> float:
        """The rate on the wire, bits per second."""
        return self._rate

    def round_trip(self, rtt_s: float) -> None:
        """Takes a new round trip."""
        self._rtt_s = rtt_s

    def feedback(self, packets: Sequence[Acknowledged], now: float) -> None:
        """Takes the packets of one feedback message."""
        if not packets:
            return
        lost = 0
        for packet in packets:
            if packet.arrived_s is None:
                lost += 1
                continue
            delay_s = packet.arrived_s - packet.sent_s
            self._base_s = min(self._base_s, delay_s)
            self._delays.append(delay_s)
            self._received.append((packet.arrived_s, packet.size_bytes))
        if not self._delays:
            return
        self._loss_ratio += ALPHA * (lost / len(packets) - self._loss_ratio)
        if lost:
            self._lost_s = now
        queue_s = min(self._delays) - self._base_s
        self._log.append((now, queue_s, lost))
        while self._log[0][0] < now - LOG_WINDOW_S:
            self._log.popleft()
        self._update(self._aggregate(queue_s, now), now)

    def _aggregate(self, queue_s: float, now: float) -> float:
        """The congestion signal in seconds: the queue, warped where loss is recent, and a delay for the loss."""
        if now - self._lost_s > LOSS_EXPIRES_S:
            return queue_s
        warped = queue_s
        if queue_s >= QTH_S:
            warped = QTH_S * math.exp(-LAMBDA * (queue_s - QTH_S) / QTH_S)
        return min(MOST_SIGNAL_S, warped + D_LOSS_S * (self._loss_ratio / PLR_REF) ** 2)

    def _update(self, signal: float, now: float) -> None:
        passed_s = DELTA_S if self._updated_s is None else min(now - self._updated_s, 5 * DELTA_S)
        self._updated_s = now
        clear = all(lost == 0 and queue_s <= QEPS_S for _, queue_s, lost in self._log)
        if clear:
            gamma = min(GAMMA_MAX, QBOUND_S / (self._rtt_s + DELTA_S + DFILT_S))
            received = self._received_bps()
            if received is not None:
                self._rate = max(self._rate, (1 + gamma) * received)
        else:
            offset = signal - PRIO * X_REF_S * self._largest / self._rate
            change = signal - self._signal
            self._rate -= KAPPA * (passed_s / TAU_S) * (offset / TAU_S) * self._rate
            self._rate -= KAPPA * ETA * (change / TAU_S) * self._rate
        self._signal = signal
        self._rate = min(max(self._rate, self._least), self._largest)

    def _received_bps(self) -> float | None:
        end = self._received[-1][0]
        while self._received[0][0] < end - LOG_WINDOW_S:
            self._received.popleft()
        span_s = end - self._received[0][0]
        return 8 * sum(size for _, size in self._received) / LOG_WINDOW_S if span_s > 0.3 else None
