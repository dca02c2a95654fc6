"""What jitter buffers that adapt make of the arrivals of a call."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lossweep.sim.call.frames import FrameTimes
from lossweep.sim.call.neteq import NetEq
from lossweep.sim.call.speech_frames import SpeechFrame
from lossweep.sim.call.video_jitter import VideoJitter


@dataclass(frozen=True)
class Played:
    """What was played with a delay that adapts.

    Attributes:
        delay_s: mean time from capture to playout.
        in_time: share of the frames or packets that were there then.
    """

    delay_s: float
    in_time: float


def play_video(frames: Sequence[FrameTimes], fps: float) -> Played:
    """Plays frames by WebRTC's rule: the smallest delay so far, and the target of the jitter buffer.

    The target for a frame comes from the frames before it. A frame that never is complete counts as not there, and the
    buffer does not wait for it.
    """
    buffer, base_s, delays, there = VideoJitter(), math.inf, [], 0
    for frame in frames:
        own_s = frame.complete_s - frame.captured_s
        if base_s < math.inf:
            delay_s = base_s + buffer.target_s(1 / fps)
            delays.append(delay_s)
            there += frame.decodable_s - frame.captured_s <= delay_s
        if frame.complete_s < math.inf:
            base_s = min(base_s, own_s)
            buffer.frame(frame.captured_s, frame.complete_s, frame.size_bytes)
    return _played(delays, there)


def play_speech(frames: Sequence[SpeechFrame]) -> Played:
    """Plays speech frames, in order, by NetEQ's rule; the delay follows the arrivals of the frames' own packets."""
    buffer, base_s, delays, there = NetEq(), math.inf, [], 0
    waiting = sorted((one.arrived_s, one.number, one) for one in frames if one.arrived_s < math.inf)
    taken = 0
    for frame in frames:
        now = frame.media_time_s + (0.0 if base_s == math.inf else base_s + buffer.target_s)
        while taken < len(waiting) and waiting[taken][0] <= now:
            arrived_s, number, one = waiting[taken]
            base_s = min(base_s, arrived_s - one.media_time_s)
            buffer.arrive(number, one.media_time_s, arrived_s)
            taken += 1
        if base_s == math.inf:
            if frame.arrived_s == math.inf:
                continue
            base_s = frame.arrived_s - frame.media_time_s
        delay_s = base_s + buffer.target_s
        delays.append(delay_s)
        there += frame.known_s - frame.media_time_s <= delay_s
    return _played(delays, there)


def _played(delays: Sequence[float], there: int) -> Played:
    if not delays:
        return Played(math.nan, 0.0)
    return Played(sum(delays) / len(delays), there / len(delays))
