"""Independent packet loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.chance import Chance
from lossweep.channels.element import Element, Kind, LossStage
from lossweep.channels.packets import Packet, Packets
from lossweep.channels.parameters import check_fraction

LOSS_DRAWS = 2
"""Uniforms of each packet that per-packet loss models share: u_state, u_loss."""


@dataclass(frozen=True)
class Bernoulli(Element):
    """Independent (Bernoulli) loss: each packet is lost with the same probability.

    A packet is lost exactly when `u_loss < loss_rate`: with the same uniforms, what is lost at a lower rate
    is lost at a higher one too.

    Attributes:
        loss_rate: probability of loss, in [0, 1].
    Raises:
        ValueError: `loss_rate` outside [0, 1].
    """

    loss_rate: float

    name: ClassVar[str] = "bernoulli"
    kind: ClassVar[Kind] = Kind.LOSS

    def __post_init__(self) -> None:
        check_fraction("loss_rate", self.loss_rate)

    @property
    def mean_burst_length(self) -> float:
        """Expected packets in a run of losses, 1 / (1 - loss_rate); inf where everything is lost."""
        return 1.0 / (1.0 - self.loss_rate) if self.loss_rate < 1.0 else float("inf")

    def expected_loss(self) -> float | None:
        return self.loss_rate

    def start(self, chance: Chance, end_s: float) -> BernoulliStage:
        return BernoulliStage(self.loss_rate, chance)

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Losses of `n` packets in a row, bool [n]."""
        return rng.random(n) < self.loss_rate


class BernoulliStage(LossStage):
    """Independent loss at work."""

    def __init__(self, loss_rate: float, chance: Chance) -> None:
        self._loss_rate = loss_rate
        self._chance = chance
        self._reader = chance.reader(LOSS_DRAWS)

    def lost(self, packets: Packets) -> NDArray[np.bool_]:
        return self._chance.uniforms(packets, LOSS_DRAWS)[:, 1] < self._loss_rate

    def lost_one(self, packet: Packet, now: float) -> bool:
        return self._reader.of(packet)[1] < self._loss_rate
