"""Packets that arrive twice."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace as replaced
from typing import ClassVar

import numpy as np

from lossweep.channels.chance import KINDS, Chance
from lossweep.channels.element import Element, Kind, Stage
from lossweep.channels.packets import DUPLICATE, Packet, Packets
from lossweep.channels.parameters import check_fraction


@dataclass(frozen=True)
class Duplication(Element):
    """Duplication: a packet is followed immediately by a copy, which the rest of the path treats separately.

    Attributes:
        duplicate_rate: probability that a packet is duplicated, in [0, 1].
    Raises:
        ValueError: a rate outside [0, 1].
    Source: tc-netem(8), `duplicate`.
    """

    duplicate_rate: float

    name: ClassVar[str] = "duplication"
    kind: ClassVar[Kind] = Kind.DUPLICATION

    def __post_init__(self) -> None:
        check_fraction("duplicate_rate", self.duplicate_rate)

    def start(self, chance: Chance, end_s: float) -> DuplicationStage:
        return DuplicationStage(self.duplicate_rate, chance)


class DuplicationStage(Stage):
    """Duplication at work."""

    def __init__(self, rate: float, chance: Chance) -> None:
        self._rate = rate
        self._chance = chance
        self._reader = chance.reader(1)
        self._added = (
            DUPLICATE << chance.element // KINDS
        )  # another copy number for each duplication of a path

    def apply(self, packets: Packets, until_s: float) -> Packets:
        twice = self._chance.uniforms(packets, 1)[:, 0] < self._rate
        if not twice.any():
            return packets
        places = np.repeat(np.arange(len(packets)), 1 + twice)
        all_ = packets.select(places)
        second = np.diff(places, prepend=-1) == 0
        return replaced(all_, copy=all_.copies() + self._added * second)

    def send(self, packet: Packet, now: float) -> None:
        self.forward(packet, now)
        if self._reader.of(packet)[0] < self._rate:
            self.forward(replaced(packet, copy=packet.copy + self._added), now)
