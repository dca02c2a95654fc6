"""Bit errors."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from lossweep.channels.chance import Chance
from lossweep.channels.element import Element, Kind, Stage
from lossweep.channels.packets import Packet, Packets
from lossweep.channels.parameters import check_fraction

HEADER_BYTES = 28
"""IPv4 and UDP."""


@dataclass(frozen=True)
class Corruption(Element):
    """Corruption: one bit of a packet is inverted, at a random place of its UDP payload.

    Attributes:
        corrupt_rate: probability that a packet is hit, in [0, 1].
        deliver: whether the receiver gets such a packet (as with UDP-Lite); else the UDP checksum drops it.
    Raises:
        ValueError: a parameter out of its range.
    Source: tc-netem(8), `corrupt`; RFC 768 and RFC 3828 for the checksum.
    """

    corrupt_rate: float
    deliver: bool = False

    name: ClassVar[str] = "corruption"
    kind: ClassVar[Kind] = Kind.CORRUPTION

    def __post_init__(self) -> None:
        check_fraction("corrupt_rate", self.corrupt_rate)
        if not isinstance(self.deliver, bool):
            raise ValueError(f"deliver is {self.deliver!r}; it must be true or false")

    def expected_loss(self) -> float | None:
        return 0.0 if self.deliver else self.corrupt_rate

    def start(self, chance: Chance, end_s: float) -> CorruptionStage:
        return CorruptionStage(self, chance)


class CorruptionStage(Stage):
    """Bit errors at work."""

    def __init__(self, model: Corruption, chance: Chance) -> None:
        self._model = model
        self._chance = chance
        self._reader = chance.reader(2)

    def apply(self, packets: Packets, until_s: float) -> Packets:
        u_hit, u_place = self._chance.uniforms(packets, 2).T
        hit = u_hit < self._model.corrupt_rate
        if not self._model.deliver:
            return packets.select(~hit)
        bits = np.maximum(packets.size_bytes - HEADER_BYTES, 0) * 8
        place = np.floor(u_place * bits).astype(np.int64)
        return replace(packets, flipped_bit=np.where(hit & (bits > 0), place, packets.flipped_bits()))

    def send(self, packet: Packet, now: float) -> None:
        u_hit, u_place = self._reader.of(packet)
        bits = max(packet.size_bytes - HEADER_BYTES, 0) * 8
        if u_hit < self._model.corrupt_rate:
            if not self._model.deliver:
                return
            packet = replace(packet, flipped_bit=math.floor(u_place * bits)) if bits else packet
        self.forward(packet, now)
