"""Freezes and dropped frames as WebRTC counts them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise

RENDERED = ("whole", "concealed")
AVERAGED_FRAMES = 30
ROUNDING_S = 1e-9


def freezes(outcomes: Sequence[str], fps: float) -> dict[str, float]:
    """Freeze counters of what was seen.

    A rendered frame is one with outcome whole or concealed. The time between two consecutive ones is a freeze
    if it is at least max(3 a, a + 150 ms), a being the mean of the last 30 such times before it. Known
    deviation: where fewer than 30 lie before it the mean is over those, and over the nominal frame duration
    where there is none, since the standard leaves the start open. As in the standard, what follows the last
    rendered frame, and what precedes the first, is no freeze.

    Args:
        outcomes: of each frame, see `Playback`.
        fps: frames per second.
    Returns:
        `freeze_count`; `total_freezes_duration` in seconds, of whole intervals; `freeze_ratio`, its share of the
        duration; `frames_dropped`, the frames that were not rendered, and `frozen_share`, their share.
    Source: W3C webrtc-stats, RTCInboundRtpStreamStats.
    """
    frame_s = 1 / fps
    rendered = [i for i, outcome in enumerate(outcomes) if outcome in RENDERED]
    last: deque[float] = deque(maxlen=AVERAGED_FRAMES)
    frozen: list[float] = []
    for before, after in pairwise(rendered):
        interval = (after - before) * frame_s
        average = sum(last) / len(last) if last else frame_s
        if interval + ROUNDING_S >= max(3 * average, average + 0.150):
            frozen.append(interval)
        last.append(interval)
    return {
        "freeze_count": len(frozen),
        "total_freezes_duration": sum(frozen, 0.0),
        "freeze_ratio": sum(frozen, 0.0) * fps / max(1, len(outcomes)),
        "frames_dropped": len(outcomes) - len(rendered),
        "frozen_share": (len(outcomes) - len(rendered)) / max(1, len(outcomes)),
    }
