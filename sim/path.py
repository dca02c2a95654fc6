"""The path from sender to receiver: it drops packets and delays the others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import simpy
from numpy.typing import NDArray

from lossweep.channels.delay import Delay
from lossweep.channels.loss import LossModel
from lossweep.sim.random_numbers import slot_uniforms

LOSS, DELAY = 0, 1
"""Path elements: each has a random stream of its own."""


class Path:
    """A loss element followed by a delay element, with the chance of each by packet slot.

    Args:
        env: SimPy environment.
        loss: the loss model; its state steps once a packet, in order of departure.
        delay: one-way delay.
        sbn, esi: int64 [packets]; the slot of each packet of the stream.
        seed, repetition: they name the random streams.
        receive: called with a packet's index when it arrives.

    Attributes:
        sent_s: float64 [packets]; nan until the packet is sent.
        lost: bool [packets].
    """

    def __init__(
        self,
        env: simpy.Environment,
        loss: LossModel,
        delay: Delay,
        sbn: NDArray[np.int64],
        esi: NDArray[np.int64],
        *,
        seed: int,
        repetition: int,
        receive: Callable[[int], None],
    ) -> None:
        loss_uniforms = slot_uniforms(sbn, esi, 2, seed=seed, repetition=repetition, element=LOSS)
        delay_uniforms = slot_uniforms(sbn, esi, 1, seed=seed, repetition=repetition, element=DELAY)
        self._u_state, self._u_loss = loss_uniforms.T.tolist()
        self._delay_s = delay.quantile(delay_uniforms[:, 0]).tolist()
        self._env = env
        self._is_lost = loss.process().lost
        self._deliver = lambda event: receive(event.value)
        self.sent_s = np.full(len(sbn), np.nan)
        self.lost = np.zeros(len(sbn), dtype=bool)

    def send(self, index: int) -> None:
        """Takes packet `index` now; the receiver gets it later, or never."""
        self.sent_s[index] = self._env.now
        if self._is_lost(self._u_state[index], self._u_loss[index]):
            self.lost[index] = True
            return
        self._env.timeout(self._delay_s[index], index).callbacks.append(self._deliver)
