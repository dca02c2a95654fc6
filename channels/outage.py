"""Times at which nothing gets through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.chance import Chance
from lossweep.channels.element import Element, Kind, LossStage
from lossweep.channels.packets import Packet, Packets
from lossweep.channels.parameters import check_not_negative, check_positive


@dataclass(frozen=True, kw_only=True)
class Outage(Element):
    """Scripted outage: every packet is lost that enters from `start_s` on, for `duration_s`.

    Attributes:
        start_s: >= 0.
        duration_s: > 0.
        every_s: the outage comes again after this time, > duration_s; None: only once.
    Raises:
        ValueError: a parameter out of its range, naming it.
    """

    start_s: float
    duration_s: float
    every_s: float | None = None

    name: ClassVar[str] = "outage"
    kind: ClassVar[Kind] = Kind.LOSS

    def __post_init__(self) -> None:
        check_not_negative("start_s", self.start_s, "seconds")
        check_positive("duration_s", self.duration_s, "seconds")
        if self.every_s is not None:
            check_positive("every_s", self.every_s, "seconds")
            if self.every_s <= self.duration_s:
                raise ValueError(
                    f"every_s is {self.every_s:g}; it must be more than duration_s ({self.duration_s:g})"
                )

    def expected_loss(self) -> float | None:
        return None

    def out(self, time_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether the path is out at each time, bool [times]."""
        since = np.asarray(time_s) - self.start_s
        if self.every_s is not None:
            since = np.where(since >= 0.0, since % self.every_s, since)
        return (since >= 0.0) & (since < self.duration_s)

    def start(self, chance: Chance, end_s: float) -> OutageStage:
        return OutageStage(self)


class OutageStage(LossStage):
    """An outage at work."""

    def __init__(self, model: Outage) -> None:
        self._model = model

    def lost(self, packets: Packets) -> NDArray[np.bool_]:
        return self._model.out(packets.time_s)

    def lost_one(self, packet: Packet, now: float) -> bool:
        since = now - self._model.start_s
        if self._model.every_s is not None and since >= 0.0:
            since %= self._model.every_s
        return 0.0 <= since < self._model.duration_s
