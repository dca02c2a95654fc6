"""Which picture is on the screen when: frames are paired by presentation time, never by index."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.clip import Clip, Playback
from lossweep.experiments.metrics.metric import MetricError

TOLERANCE_S = 1e-6
"""Frame times such as 7 / 25 and 21 / 75 are the same moment, though not the same float."""


def on_screen(times_s: NDArray[np.float64], t: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index of the picture that is on the screen at each time.

    Args:
        times_s: float64 [pictures], ascending; when each picture appears. It stays until the next one.
        t: float64 [...], seconds.
    Returns:
        int64 [...] in [-1, pictures); -1 before the first picture.
    """
    return np.searchsorted(times_s, np.asarray(t) + TOLERANCE_S, side="right") - 1


def pairs(reference: Clip, playback: Playback) -> list[tuple[int, int]]:
    """Which shown picture is scored against which reference picture.

    One pair for each reference frame: the frame itself, and the picture on the receiver's screen when it should
    appear. At a lower frame rate a shown picture stands in several pairs, at a higher one some stand in none; after
    its last frame the receiver's screen keeps that frame.

    Args:
        reference: with video.
        playback: with video at any frame rate.
    Returns:
        (index into playback.clip.video, index into reference.video), in order of time.
    Raises:
        MetricError: a clip without video, naming it.
    """
    for role, clip in (("reference", reference), ("received", playback.clip)):
        if clip.video is None or len(clip.video) == 0:
            raise MetricError(f"the {role} clip {clip.name!r} has no video to score")
    times_s = np.arange(len(playback.clip.video)) / playback.clip.fps
    shown = on_screen(times_s, np.arange(len(reference.video)) / reference.fps)
    return [(int(index), i) for i, index in enumerate(shown)]
