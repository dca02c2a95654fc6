"""The jitter buffer: until when a packet may arrive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLOCK_RESOLUTION_S = 1e-9
"""Slack of deadlines, so that rounding of sums of times does not make a packet late."""


@dataclass(frozen=True)
class Playout:
    """The wait from capture to playout, by media time; all streams of a receiver share it and so stay in sync.

    Attributes:
        from_s: float64 [n], ascending media times, n >= 1.
        delay_s: float64 [n]; the wait from each of these times on. The first counts for all times before, too.
    """

    from_s: NDArray[np.float64]
    delay_s: NDArray[np.float64]

    @classmethod
    def fixed(cls, delay_s: float) -> Playout:
        """The same wait throughout."""
        return cls(np.zeros(1), np.array([delay_s]))

    def at(self, media_time_s: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """The wait at media times, of their shape."""
        place = np.searchsorted(self.from_s, np.asarray(media_time_s) + CLOCK_RESOLUTION_S, "right") - 1
        found: NDArray[np.float64] = self.delay_s[np.maximum(place, 0)]
        return found

    @property
    def mean_s(self) -> float:
        """The mean wait over the steps."""
        return float(self.delay_s.mean())


def later_of(first: Playout, second: Playout) -> Playout:
    """The longer wait of two at each media time."""
    times = np.union1d(first.from_s, second.from_s)
    return Playout(times, np.maximum(first.at(times), second.at(times)))


def deadlines(
    media_time_s: NDArray[np.float64], playout_delay_s: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    """When each packet is played, float64 [packets]; the last moment at which it may arrive.

    The buffer holds each packet until its media time plus the playout delay. Because these times are known, it needs no
    event to play: a packet is played exactly when it is there by its deadline,
    in whatever order packets come.

    Args:
        media_time_s: float64 [packets].
        playout_delay_s: the wait between capture and display; one for all, or one for each, [packets].
    """
    return media_time_s + playout_delay_s + CLOCK_RESOLUTION_S
