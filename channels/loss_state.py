"""Losses from netem's four-state chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.bernoulli import LOSS_DRAWS
from lossweep.channels.chance import Chance
from lossweep.channels.element import Element, Kind, LossStage
from lossweep.channels.packets import Packet, Packets
from lossweep.channels.parameters import check_fraction

GAP_RECEIVED, BURST_RECEIVED, BURST_LOST, GAP_LOST = range(4)
"""States 1, 2, 3, 4 of netem."""


@dataclass(frozen=True, kw_only=True)
class LossState(Element):
    """Four-state Markov chain, one step per packet: losses alone in gaps, and bursts with packets received inside.

    States: 1 received in a gap, 2 received within a burst, 3 lost within a burst, 4 lost alone in a gap (left at
    once for 1). The first packet's state is from the stationary law; netem starts in state 1. Defaults as in netem.

    Attributes:
        p13: gap to lost in a burst.
        p31: lost in a burst to gap; 1 - p13 unless given.
        p32: lost in a burst to received within it.
        p23: received within a burst to lost; 1 unless given.
        p14: gap to a loss alone.
    Raises:
        ValueError: a parameter outside [0, 1], or p13 + p14 or p31 + p32 above 1, naming it.
    Source: tc-netem(8), `loss state`; Salsano et al., Definition of a general and intuitive loss model, 2012.
    """

    p13: float
    p31: float | None = None
    p32: float = 0.0
    p23: float = 1.0
    p14: float = 0.0

    name: ClassVar[str] = "loss_state"
    kind: ClassVar[Kind] = Kind.LOSS

    def __post_init__(self) -> None:
        for name in ("p13", "p32", "p23", "p14"):
            check_fraction(name, getattr(self, name))
        if self.p31 is None:
            object.__setattr__(self, "p31", 1.0 - self.p13)
        check_fraction("p31", self.p31)
        for one, other in (("p13", "p14"), ("p31", "p32")):
            if getattr(self, one) + getattr(self, other) > 1.0 + 1e-12:
                raise ValueError(f"loss_state: {one} + {other} is above 1")

    @classmethod
    def from_params(cls, **params: Any) -> LossState:
        return cls._from_fields(**params)

    def transitions(self) -> NDArray[np.float64]:
        """Transition probabilities, float64 [4, 4], from row to column, in the order of the states."""
        p31 = float(self.p31 or 0.0)
        return np.array(
            [
                [1.0 - self.p13 - self.p14, 0.0, self.p13, self.p14],
                [0.0, 1.0 - self.p23, self.p23, 0.0],
                [p31, self.p32, 1.0 - p31 - self.p32, 0.0],
                [1.0, 0.0, 0.0, 0.0],
            ]
        )

    def stationary(self) -> NDArray[np.float64]:
        """Stationary probabilities of the states, float64 [4]; all in state 1 where it is never left."""
        if not self.p13 + self.p14:
            return np.array([1.0, 0.0, 0.0, 0.0])
        equations = np.vstack([self.transitions().T - np.eye(4), np.ones(4)])
        found = np.linalg.lstsq(equations, np.array([0.0, 0.0, 0.0, 0.0, 1.0]), rcond=None)[0]
        return np.maximum(found, 0.0)

    @property
    def loss_rate(self) -> float:
        """Stationary probability of states 3 and 4."""
        states = self.stationary()
        return float(states[BURST_LOST] + states[GAP_LOST])

    def expected_loss(self) -> float | None:
        return self.loss_rate

    def start(self, chance: Chance, end_s: float) -> LossStateStage:
        return LossStateStage(self, chance)


class LossStateStage(LossStage):
    """The chain at work; `u_state` chooses the next state, in the order 4, 3, 2, 1 by rising uniform."""

    def __init__(self, model: LossState, chance: Chance) -> None:
        self._chance = chance
        self._reader = chance.reader(LOSS_DRAWS)
        order = [GAP_LOST, BURST_LOST, BURST_RECEIVED, GAP_RECEIVED]
        rows = [*model.transitions(), model.stationary()]
        self._edges = [tuple(np.cumsum(row[order])[:3].tolist()) for row in rows]
        self._state = 4  # before the first packet: the row of the stationary law

    def _step(self, u: float) -> bool:
        first, second, third = self._edges[self._state]
        if u < second:
            self._state = GAP_LOST if u < first else BURST_LOST
            return True
        self._state = BURST_RECEIVED if u < third else GAP_RECEIVED
        return False

    def lost_one(self, packet: Packet, now: float) -> bool:
        return self._step(self._reader.of(packet)[0])

    def lost(self, packets: Packets) -> NDArray[np.bool_]:
        uniforms = self._chance.uniforms(packets, LOSS_DRAWS)[:, 0].tolist()
        return np.fromiter(map(self._step, uniforms), dtype=bool, count=len(uniforms))
