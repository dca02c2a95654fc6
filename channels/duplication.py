"""Packets that arrive twice."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace as replaced
from typing import ClassVar

from lossweep.channels.chance import Chance
from lossweep.channels.element import Element, Kind, Stage
from lossweep.channels.packets import DUPLICATE, Packet, Packets, in_order
from lossweep.channels.parameters import check_fraction


@dataclass(frozen=True)
class Duplication(Element):
    """Duplication: a packet is followed at once by a copy of itself, which goes its own way from there.

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

    def apply(self, packets: Packets, until_s: float) -> Packets:
        twice = packets.select(self._chance.uniforms(packets, 1)[:, 0] < self._rate)
        return in_order(packets, replaced(twice, copy=twice.copies() + DUPLICATE)) if len(twice) else packets

    def send(self, packet: Packet, now: float) -> None:
        self.forward(packet, now)
        if self._reader.of(packet)[0] < self._rate:
            self.forward(replaced(packet, copy=packet.copy + DUPLICATE), now)
