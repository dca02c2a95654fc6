"""What jitter buffers that adapt make of the arrivals of a call."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lossweep.sim.call.flow import Flow
from lossweep.sim.call.frames import FrameTimes, frame_times
from lossweep.sim.call.neteq import NetEq
from lossweep.sim.call.record import MediaPacket
from lossweep.sim.call.speech_frames import SpeechFrame, speech_frames
from lossweep.sim.call.video_jitter import VideoJitter
from lossweep.sim.jitter_buffer import Playout, later_of


@dataclass(frozen=True)
class Played:
    """What was played with a delay that adapts.

    Attributes:
        delay_s: mean time from capture to playout.
        in_time: share of the frames that were there then.
        playout: the delay by media time; None where nothing was played.
    """

    delay_s: float
    in_time: float
    playout: Playout | None


def adaptive_playout(packets: Sequence[MediaPacket], flows: Sequence[Flow]) -> Playout | None:
    """The playout of a receiver whose video and speech buffers adapt; the stream with the shorter delay waits.

    None where nothing arrived.
    """
    found = None
    for flow in flows:
        if flow.begins_key is not None:
            own = play_video(frame_times(packets, flow)).playout
        elif flow.name == "speech":
            own = play_speech(speech_frames(packets, flow)).playout
        else:
            own = None
        if own is not None:
            found = own if found is None else later_of(found, own)
    return found


def play_video(frames: Sequence[FrameTimes]) -> Played:
    """Plays frames by WebRTC's rule: the smallest delay so far, and the target of the jitter buffer.

    The target for a frame is known when the frame can be decoded; it comes from the frames before it. A frame that
    never is complete counts as not there, and the buffer does not wait for it.
    """
    buffer, base_s, there = VideoJitter(), math.inf, 0
    delays: dict[float, float] = {}
    before_s = -math.inf
    for frame in frames:
        own_s = frame.complete_s - frame.captured_s
        if base_s < math.inf:
            delay_s = base_s + buffer.target_s(frame.captured_s - before_s)
            delays[frame.captured_s] = delay_s
            there += frame.decodable_s - frame.captured_s <= delay_s
        if frame.complete_s < math.inf:
            base_s = min(base_s, own_s)
            buffer.frame(frame.captured_s, frame.complete_s, frame.size_bytes)
        before_s = frame.captured_s
    return _played(delays, there)


def play_speech(frames: Sequence[SpeechFrame]) -> Played:
    """Plays speech frames, in order, by NetEQ's rule; the delay follows the arrivals of the frames' own packets."""
    buffer, base_s, there = NetEq(), math.inf, 0
    delays: dict[float, float] = {}
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
        delays[frame.media_time_s] = delay_s
        there += frame.known_s - frame.media_time_s <= delay_s
    return _played(delays, there)


def _played(delays: Mapping[float, float], there: int) -> Played:
    if not delays:
        return Played(math.nan, 0.0, None)
    playout = Playout(np.array(list(delays)), np.array(list(delays.values())))
    return Played(playout.mean_s, there / len(delays), playout)
