"""Path elements: they drop, delay, queue, copy or corrupt packets."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import IntEnum
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.chance import Chance
from lossweep.channels.packets import Packet, Packets
from lossweep.channels.parameters import check_fields


class Kind(IntEnum):
    """What an element does; with its number among those of its kind it names the element's random numbers."""

    LOSS = 0
    DELAY = 1
    DUPLICATION = 2
    CORRUPTION = 3
    CAPACITY = 4
    CROSS_TRAFFIC = 5


class Clock(Protocol):
    """Simulated time of the closed loop."""

    def at(self, time_s: float, call: Callable[[Packet, float], None], packet: Packet) -> None:
        """Calls `call(packet, time_s)` at `time_s`; calls of equal times in the order they were asked for."""
        ...


Forward = Callable[[Packet, float], None]
"""Takes a packet and the time at which it leaves an element."""


class Stage(ABC):
    """An element at work on one path, with its state and its random numbers.

    It has two forms that give the same packets the same fate: arrays (`apply`) and one packet at a time
    (`connect`, then `send`). One stage is used in one form only.
    """

    clock: Clock
    forward: Forward

    def connect(self, clock: Clock, forward: Forward) -> None:
        """Sets the clock and where packets go that leave this element."""
        self.clock = clock
        self.forward = forward

    @abstractmethod
    def apply(self, packets: Packets, until_s: float) -> Packets:
        """Takes all packets that enter up to `until_s`, in order of time; the state is kept for the next call.

        Args:
            packets: by time; none is earlier than the `until_s` of the call before.
            until_s: no packet that enters later is earlier than this; inf with the last packets.
        Returns:
            Those of the packets so far whose leaving is now certain, by time except where they overtake one
            another; a packet that was dropped is absent.
        """

    @abstractmethod
    def send(self, packet: Packet, now: float) -> None:
        """Takes one packet at `now`; `forward` gets it when it leaves, and never if it is dropped."""


class PacketStage(Stage):
    """A stage that knows when a packet leaves as soon as it enters.

    Packets that leave at the same time leave in the order in which they entered.
    """

    _busy_until_s = -math.inf

    @abstractmethod
    def leave_s(self, packets: Packets) -> NDArray[np.float64]:
        """When each packet leaves, float64 [packets]; nan where it is dropped."""

    @abstractmethod
    def leave_one_s(self, packet: Packet, now: float) -> float:
        """When the packet leaves that enters now; nan if it is dropped."""

    def apply(self, packets: Packets, until_s: float) -> Packets:
        left = packets.at(self.leave_s(packets))
        dropped = np.isnan(left.time_s)
        return left.select(~dropped) if dropped.any() else left

    def send(self, packet: Packet, now: float) -> None:
        time_s = self.leave_one_s(packet, now)
        if time_s == now > self._busy_until_s:
            self.forward(packet, now)
        elif not math.isnan(time_s):
            self._busy_until_s = max(time_s, self._busy_until_s)
            self.clock.at(time_s, self.forward, packet)


class LossStage(PacketStage):
    """A stage that drops packets and changes nothing else."""

    @abstractmethod
    def lost(self, packets: Packets) -> NDArray[np.bool_]:
        """Which packets are lost, bool [packets]."""

    @abstractmethod
    def lost_one(self, packet: Packet, now: float) -> bool:
        """Whether the packet is lost that enters now."""

    def leave_s(self, packets: Packets) -> NDArray[np.float64]:
        return np.where(self.lost(packets), np.nan, packets.time_s)

    def leave_one_s(self, packet: Packet, now: float) -> float:
        return math.nan if self.lost_one(packet, now) else now

    def send(self, packet: Packet, now: float) -> None:
        if not self.lost_one(packet, now):
            self.forward(packet, now)

    def apply(self, packets: Packets, until_s: float) -> Packets:
        lost = self.lost(packets)
        return packets.select(~lost) if lost.any() else packets


class Element(ABC):
    """Parameters of one path element; immutable.

    A frozen dataclass whose fields are the scenario's keys. What a subclass must have: `name`, `kind`, `start`.
    """

    name: ClassVar[str]
    kind: ClassVar[Kind]

    @classmethod
    def from_params(cls, **params: Any) -> Element:
        """The element from a scenario's parameters.

        Raises:
            ValueError: one line; a parameter is unknown, missing or out of its range.
        """
        return cls._from_fields(**params)

    @classmethod
    def _from_fields(cls, **params: Any) -> Self:
        check_fields(cls.name, cls, params)
        return cls(**params)

    @abstractmethod
    def start(self, chance: Chance, end_s: float) -> Stage:
        """The element at work, before its first packet.

        Args:
            chance: its random numbers.
            end_s: until when an element that sends packets of its own does so.
        """

    def delay_quantile(self, q: float) -> float | None:
        """The delay that a fraction `q` of packets does not exceed, in seconds; None where traffic decides it."""
        return 0.0

    def expected_loss(self) -> float | None:
        """Expected fraction of packets that it drops; None where time, traffic or a trace decides it."""
        return 0.0
