"""The fixed jitter buffer: until when a packet may arrive."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CLOCK_RESOLUTION_S = 1e-9
"""Slack of deadlines, so that rounding of sums of times does not make a packet late."""


def deadlines(media_time_s: NDArray[np.float64], playout_delay_s: float) -> NDArray[np.float64]:
    """When each packet is played, float64 [packets]; the last moment at which it may arrive.

    A fixed jitter buffer holds each packet until its media time plus the playout delay. Because these times are
    known beforehand, it needs no event to play: a packet is played exactly when it is there by its deadline,
    in whatever order packets come.

    Args:
        media_time_s: float64 [packets].
        playout_delay_s: the wait between capture and display.
    """
    return media_time_s + playout_delay_s + CLOCK_RESOLUTION_S
