"""How far apart the picture on the screen and the sound with it were captured."""

from __future__ import annotations

import numpy as np

from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.metrics.freezes import RENDERED
from lossweep.experiments.metrics.metric import ClipMetric

AHEAD_MS, BEHIND_MS = 45, 125
"""Range of skew that is not noticed."""


class PlayoutSkew(ClipMetric):
    """Playout skew in ms, positive where the sound is ahead of the picture.

    For each frame of time: age of the picture on the screen (0, or longer while it is frozen) less the delay
    of the sound beside it by timestamps and sender reports. `playout_skew_ms` is the mean,
    `playout_skew_max_ms` the greatest in magnitude; before the first picture there is none, nan where none
    was ever shown. So both are about the time with pictures only. `playout_in_sync` is about all of it: the
    share of frames whose skew viewers do not notice, sound at most 45 ms ahead or 125 ms behind; without a
    picture a frame is not in sync.

    Source: ITU-R BT.1359-1 (sign, thresholds).
    """

    name = "playout_skew"
    higher_is_better = False
    label = "sound ahead of picture (ms)"
    needs = "video"
    columns = ("playout_skew_ms", "playout_skew_max_ms", "playout_in_sync")
    opposite = ("playout_in_sync",)

    def score(self, reference: Clip, playback: Playback, truth: Truth) -> dict[str, float]:
        """A value for each of `columns`; none where nothing is heard with the pictures."""
        if playback.clip.speech is None:
            return {}
        fps = playback.clip.fps
        frames = np.arange(round(len(reference.video) * fps / reference.fps))
        rendered = np.isin(playback.outcomes(len(frames)), RENDERED)
        last = np.maximum.accumulate(np.where(rendered, frames, -1))
        ages_s = (frames - last)[last >= 0] / fps
        skew = 1000 * (ages_s - playback.sound_late_s)
        unnoticed = np.count_nonzero((skew >= -BEHIND_MS) & (skew <= AHEAD_MS)) / len(frames)
        if not len(skew):
            return dict.fromkeys(self.columns, float("nan")) | {"playout_in_sync": 0.0}
        return {
            "playout_skew_ms": float(skew.mean()),
            "playout_skew_max_ms": float(skew[np.abs(skew).argmax()]),
            "playout_in_sync": unnoticed,
        }
