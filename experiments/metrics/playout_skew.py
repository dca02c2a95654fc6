"""How far apart the picture on the screen and the sound with it were captured."""

from __future__ import annotations

import numpy as np

from endpoints.clip import Clip, Received
from experiments.metrics.freezes import RENDERED


class PlayoutSkew:
    """Playout skew in ms, positive where the sound is ahead of the picture.

    For each frame of time: age of the picture on the screen (0, or longer while it is frozen) less the delay
    of the sound beside it by timestamps and sender reports. `playout_skew_ms` is the mean,
    `playout_skew_max_ms` the greatest in magnitude; before the first picture there is none, nan where none
    was ever shown. Viewers notice from 45 ms on where sound is ahead, from 125 ms where it is behind.

    Source: ITU-R BT.1359-1 (sign, thresholds).
    """

    name = "playout_skew"
    higher_is_better = False
    label = "sound ahead of picture (ms)"
    needs = "video"
    columns = ("playout_skew_ms", "playout_skew_max_ms")

    def __init__(self, device: str = "cpu") -> None:
        del device

    def score(self, reference: Clip, received: Received) -> dict[str, float]:
        """A value for each of `columns`; none where nothing is heard with the pictures."""
        if received.clip.speech is None:
            return {}
        frames = np.arange(len(received.outcome))
        rendered = np.isin(received.outcome, RENDERED)
        last = np.maximum.accumulate(np.where(rendered, frames, -1))
        ages_s = (frames - last)[last >= 0] / received.clip.fps
        if not len(ages_s):
            return dict.fromkeys(self.columns, float("nan"))
        skew = 1000 * (ages_s - received.sound_late_s)
        return {
            "playout_skew_ms": float(skew.mean()),
            "playout_skew_max_ms": float(skew[np.abs(skew).argmax()]),
        }
