"""The jitter buffer: what is there when it is played."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CLOCK_RESOLUTION_S = 1e-9
"""Slack of deadlines, so that rounding of sums of times makes nothing late."""


class JitterBuffer:
    """A fixed jitter buffer: it holds each packet until its media time plus the playout delay.

    Because the playout times are fixed beforehand, it needs no event to play: a packet is played exactly
    when it is put by its deadline, in whatever order packets come.

    Args:
        media_time_s: float64 [packets].
        playout_delay_s: the wait between capture and display.

    Attributes:
        arrived_s: first arrival of each packet, nan before; a list of floats [packets].
        duplicates: arrivals that were dropped because the packet had been there.
    """

    def __init__(self, media_time_s: NDArray[np.float64], playout_delay_s: float) -> None:
        self.deadline_s = (media_time_s + playout_delay_s + CLOCK_RESOLUTION_S).tolist()
        self.arrived_s = [float("nan")] * len(self.deadline_s)
        self.duplicates = 0
        self._held = bytearray(len(self.deadline_s))

    def put(self, index: int, now: float) -> bool:
        """Takes packet `index`, which arrived `now`; says whether it is its first arrival."""
        if self._held[index]:
            self.duplicates += 1
            return False
        self._held[index] = 1
        self.arrived_s[index] = now
        return True

    def in_time(self) -> NDArray[np.bool_]:
        """Packets that are there when they are played, bool [packets]."""
        return np.asarray(self.arrived_s) <= np.asarray(self.deadline_s)

    def late(self) -> NDArray[np.bool_]:
        """Packets that arrived after their time, bool [packets]; their data may still repair others."""
        return np.asarray(self.arrived_s) > np.asarray(self.deadline_s)
