"""Losses from a hidden Markov chain of any number of states."""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.bernoulli import LOSS_DRAWS
from lossweep.channels.chance import Chance
from lossweep.channels.element import Element, Kind, LossStage
from lossweep.channels.packets import Packet, Packets
from lossweep.channels.traces import TraceError, read_bytes


@dataclass(frozen=True)
class Chain:
    """A Markov chain that steps once per packet, with a loss probability in each state.

    Attributes:
        transitions: float64 [states, states], from row to column; rows sum to 1.
        loss: float64 [states], in [0, 1].
    """

    transitions: NDArray[np.float64]
    loss: NDArray[np.float64]

    def stationary(self) -> NDArray[np.float64]:
        """Stationary probabilities, float64 [states]."""
        count = len(self.loss)
        equations = np.vstack([self.transitions.T - np.eye(count), np.ones(count)])
        found = np.linalg.lstsq(equations, np.append(np.zeros(count), 1.0), rcond=None)[0]
        found = np.maximum(found, 0.0)
        return found / found.sum()

    @property
    def loss_rate(self) -> float:
        """Stationary loss."""
        return float(self.stationary() @ self.loss)

    def burst_lengths(self, longest: int) -> NDArray[np.float64]:
        """Probability that a run of losses has 1, 2, ..., `longest` packets, float64 [longest]; exact."""
        start = (self.stationary() * (1.0 - self.loss)) @ self.transitions * self.loss
        start = start / start.sum()
        at_least = np.empty(longest + 1)
        for length in range(longest + 1):
            at_least[length] = start.sum()
            start = start @ self.transitions * self.loss
        return at_least[:-1] - at_least[1:]

    def share_in_bursts(self, of: int) -> float:
        """Fraction of the lost packets that are in runs of `of` losses or more."""
        lengths = self.burst_lengths(10_000)
        packets = lengths * np.arange(1, len(lengths) + 1)
        return float(packets[of - 1 :].sum() / packets.sum())


@dataclass(frozen=True)
class HiddenMarkov(Element):
    """Loss from a fitted hidden Markov chain (`lossweep fit`), one step per packet.

    Attributes:
        file: JSON with `transitions` (rows that sum to 1) and `loss` (one probability for each state).
    Raises:
        TraceError: the file cannot be read, or holds no chain.
    """

    file: str
    chain: Chain = field(init=False, repr=False, compare=False)

    name: ClassVar[str] = "hidden_markov"
    kind: ClassVar[Kind] = Kind.LOSS

    def __post_init__(self) -> None:
        object.__setattr__(self, "chain", read_chain(self.file))

    def expected_loss(self) -> float | None:
        return self.chain.loss_rate

    def start(self, chance: Chance, end_s: float) -> HiddenMarkovStage:
        return HiddenMarkovStage(self.chain, chance)


def read_chain(file: str) -> Chain:
    """A chain from its JSON file.

    Raises:
        TraceError: unreadable, or not a chain; naming the file.
    """
    try:
        data = json.loads(read_bytes(file))
        transitions = np.array(data["transitions"], dtype=np.float64)
        loss = np.array(data["loss"], dtype=np.float64)
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, TraceError):
            raise
        raise TraceError(f"{file} holds no chain (JSON with transitions and loss)") from None
    square = transitions.shape == (len(loss), len(loss)) if loss.ndim == 1 and len(loss) else False
    if (
        not square
        or not ((transitions >= 0) & (transitions <= 1)).all()
        or not ((loss >= 0) & (loss <= 1)).all()
    ):
        raise TraceError(f"{file}: transitions must be a square of probabilities, loss one for each state")
    if not np.allclose(transitions.sum(axis=1), 1.0, atol=1e-6):
        raise TraceError(f"{file}: each row of transitions must sum to 1")
    return Chain(transitions, loss)


class HiddenMarkovStage(LossStage):
    """The chain at work: the next state by `u_state`, the loss in it by `u_loss`."""

    def __init__(self, chain: Chain, chance: Chance) -> None:
        self._chance = chance
        self._reader = chance.reader(LOSS_DRAWS)
        rows = [*chain.transitions, chain.stationary()]
        self._edges: list[list[float]] = [np.cumsum(row)[:-1].tolist() for row in rows]
        self._loss: list[float] = chain.loss.tolist()
        self._state = len(chain.loss)  # before the first packet: the row of the stationary law

    def _step(self, uniforms: list[float]) -> bool:
        self._state = bisect_right(self._edges[self._state], uniforms[0])
        return uniforms[1] < self._loss[self._state]

    def lost_one(self, packet: Packet, now: float) -> bool:
        return self._step(self._reader.of(packet))

    def lost(self, packets: Packets) -> NDArray[np.bool_]:
        uniforms = self._chance.uniforms(packets, LOSS_DRAWS).tolist()
        return np.fromiter(map(self._step, uniforms), dtype=bool, count=len(uniforms))
