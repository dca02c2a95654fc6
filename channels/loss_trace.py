"""Losses as they were recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.bernoulli import LOSS_DRAWS
from lossweep.channels.chance import Chance
from lossweep.channels.element import Element, Kind, LossStage
from lossweep.channels.loss_records import LossFractions, LossSequence, read_losses
from lossweep.channels.packets import Packet, Packets
from lossweep.channels.parameters import check_positive


@dataclass(frozen=True)
class LossTrace(Element):
    """Recorded losses, repeated from the start when they end.

    A sequence of packets (0/1 text, sequence numbers, a capture) is read packet by packet, or, with
    `packet_interval_s`, in time: a packet is lost that enters while a lost packet of the record had its turn. Rows of
    time and loss fraction are read in time; inside a row packets are lost independently of one another.

    Attributes:
        file: what `lossweep.channels.loss_records.read_losses` reads; environment variables are expanded.
        packet_interval_s: seconds from packet to packet of a recorded sequence; None: packet by packet.
        begin: "random" (another place in the record for each seed and repetition) or "start".
    Raises:
        TraceError: the file cannot be read or holds no losses.
        ValueError: another parameter out of its range.
    """

    file: str
    packet_interval_s: float | None = None
    begin: Literal["random", "start"] = "random"
    record: LossSequence | LossFractions = field(init=False, repr=False, compare=False)

    name: ClassVar[str] = "loss_trace"
    kind: ClassVar[Kind] = Kind.LOSS

    def __post_init__(self) -> None:
        record = read_losses(self.file)
        if self.packet_interval_s is not None:
            check_positive("packet_interval_s", self.packet_interval_s, "seconds")
            if isinstance(record, LossFractions):
                raise ValueError(
                    "packet_interval_s is for a record of packets; this one has times of its own"
                )
            record = record.in_time(self.packet_interval_s)
        if self.begin not in ("random", "start"):
            raise ValueError(f"begin is {self.begin!r}; it must be 'random' or 'start'")
        object.__setattr__(self, "record", record)

    def expected_loss(self) -> float | None:
        return self.record.loss_rate

    def start(self, chance: Chance, end_s: float) -> LossStage:
        place = float(chance.clock().random()) if self.begin == "random" else 0.0
        if isinstance(self.record, LossSequence):
            return SequenceStage(self.record.lost, int(place * len(self.record.lost)))
        return FractionsStage(self.record, place * self.record.duration_s, chance)


@dataclass(frozen=True)
class GivenLosses(Element):
    """Losses given one by one, in order of entering; after the last nothing is lost.

    Attributes:
        losses: whether each packet is lost.
    """

    losses: tuple[bool, ...]

    name: ClassVar[str] = "given_losses"
    kind: ClassVar[Kind] = Kind.LOSS

    def expected_loss(self) -> float | None:
        return None

    def start(self, chance: Chance, end_s: float) -> LossStage:
        return SequenceStage(np.array(self.losses, dtype=bool), 0, repeat=False)


class SequenceStage(LossStage):
    """A sequence of losses, one for each packet."""

    def __init__(self, lost: NDArray[np.bool_], first: int, repeat: bool = True) -> None:
        self._lost = lost
        self._next = first
        self._repeat = repeat

    def lost(self, packets: Packets) -> NDArray[np.bool_]:
        places = np.arange(self._next, self._next + len(packets))
        self._next += len(packets)
        if self._repeat:
            return self._lost[places % len(self._lost)]
        found = np.zeros(len(packets), dtype=bool)
        inside = places < len(self._lost)
        found[inside] = self._lost[places[inside]]
        return found

    def lost_one(self, packet: Packet, now: float) -> bool:
        place = self._next
        self._next += 1
        if self._repeat:
            return bool(self._lost[place % len(self._lost)])
        return place < len(self._lost) and bool(self._lost[place])


class FractionsStage(LossStage):
    """Loss fractions by time; times before 0 count as 0."""

    def __init__(self, record: LossFractions, offset_s: float, chance: Chance) -> None:
        self._record = record
        self._offset_s = offset_s
        self._chance = chance
        self._reader = chance.reader(LOSS_DRAWS)
        self._certain = bool(np.isin(record.fraction, (0.0, 1.0)).all())

    def lost(self, packets: Packets) -> NDArray[np.bool_]:
        fraction = self._record.at(np.maximum(packets.time_s, 0.0) + self._offset_s)
        if self._certain:
            return fraction > 0.0
        return self._chance.uniforms(packets, LOSS_DRAWS)[:, 1] < fraction

    def lost_one(self, packet: Packet, now: float) -> bool:
        fraction = float(self._record.at(np.array([max(now, 0.0) + self._offset_s]))[0])
        return fraction > 0.0 if self._certain else self._reader.of(packet)[1] < fraction
