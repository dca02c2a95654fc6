"""Packets of other senders on the same path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.chance import KINDS, SLOTS, Chance
from lossweep.channels.element import Clock, Element, Forward, Kind, Stage
from lossweep.channels.packets import CROSS_TRAFFIC, Packet, Packets, in_order
from lossweep.channels.parameters import check_positive

CROSS_COPY = 1 << 40
"""`copy` of cross traffic, so that its random numbers are its own; plus the number of the element."""


@dataclass(frozen=True, kw_only=True)
class CrossTraffic(Element):
    """Other packets that enter the path here and share what follows: constant, or on and off.

    Attributes:
        rate_bps: rate while it is on, with headers; > 0.
        packet_bytes: size of an IP packet, > 0.
        on_s, off_s: means of the exponentially distributed times on and off, > 0; both or none.
    Raises:
        ValueError: a parameter out of its range, naming it.
    """

    rate_bps: float
    packet_bytes: int = 1200
    on_s: float | None = None
    off_s: float | None = None

    name: ClassVar[str] = "cross_traffic"
    kind: ClassVar[Kind] = Kind.CROSS_TRAFFIC

    def __post_init__(self) -> None:
        check_positive("rate_bps", self.rate_bps, "bits/s")
        check_positive("packet_bytes", self.packet_bytes, "bytes")
        if (self.on_s is None) != (self.off_s is None):
            raise ValueError("cross_traffic: give both on_s and off_s, or neither")
        if self.on_s is not None:
            check_positive("on_s", self.on_s, "seconds")
            check_positive("off_s", self.off_s, "seconds")

    def start(self, chance: Chance, end_s: float) -> CrossTrafficStage:
        return CrossTrafficStage(self, chance, end_s)


class CrossTrafficStage(Stage):
    """Cross traffic at work, from time 0 to `end_s`; its times are of the clock alone."""

    def __init__(self, model: CrossTraffic, chance: Chance, end_s: float) -> None:
        self._times_s = _times(model, chance.clock(), end_s)
        self._size = int(model.packet_bytes)
        self._copy = CROSS_COPY + chance.element // KINDS
        self._next = 0

    def apply(self, packets: Packets, until_s: float) -> Packets:
        stop = int(np.searchsorted(self._times_s, until_s, side="right"))
        number = np.arange(self._next, stop)
        times = self._times_s[self._next : stop]
        self._next = stop
        others = Packets(
            np.full(len(number), CROSS_TRAFFIC),
            number // SLOTS,
            number % SLOTS,
            np.full(len(number), self._size),
            times,
            np.full(len(number), self._copy),
        )
        return in_order(others, packets)

    def connect(self, clock: Clock, forward: Forward) -> None:
        super().connect(clock, forward)
        self._schedule()

    def send(self, packet: Packet, now: float) -> None:
        self.forward(packet, now)

    def _schedule(self) -> None:
        if self._next < len(self._times_s):
            number = self._next
            self._next += 1
            packet = Packet(CROSS_TRAFFIC, number // SLOTS, number % SLOTS, self._size, self._copy)
            self.clock.at(float(self._times_s[number]), self._enter, packet)

    def _enter(self, packet: Packet, now: float) -> None:
        self.forward(packet, now)
        self._schedule()


def _times(model: CrossTraffic, rng: np.random.Generator, end_s: float) -> NDArray[np.float64]:
    """When the packets enter, float64 [packets], from 0 to `end_s`."""
    gap_s = model.packet_bytes * 8.0 / model.rate_bps
    phase = float(rng.random())
    if model.on_s is None or model.off_s is None:
        count = max(0, int(np.ceil(end_s / gap_s - phase)))
        return (np.arange(count, dtype=np.float64) + phase) * gap_s
    on = bool(rng.random() < model.on_s / (model.on_s + model.off_s))
    time_s, parts = 0.0, []
    while time_s < end_s:
        lasts_s = float(rng.exponential(model.on_s if on else model.off_s))
        if on:
            parts.append(time_s + (np.arange(int(np.ceil(lasts_s / gap_s))) + phase) * gap_s)
            parts[-1] = parts[-1][parts[-1] < time_s + lasts_s]
        time_s, on = time_s + lasts_s, not on
    times = np.concatenate([np.empty(0), *parts])
    return times[times < end_s]
