"""When each frame of a call could be decoded, from when its packets were there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lossweep.sim.call.flow import Flow
from lossweep.sim.call.record import MediaPacket
from lossweep.sim.jitter_buffer import CLOCK_RESOLUTION_S, Playout
from lossweep.sim.rtp import RTP_HEADER_BYTES


@dataclass(frozen=True)
class FrameTimes:
    """One frame at the receiver.

    Attributes:
        captured_s: media time.
        complete_s: when all of its packets were there; inf where that never was.
        decodable_s: when it and all that it refers to were there; inf where that never was.
        size_bytes: of its packets.
        key: whether it is a key frame.
    """

    captured_s: float
    complete_s: float
    decodable_s: float
    size_bytes: int
    key: bool


def frame_times(packets: Sequence[MediaPacket], flow: Flow) -> list[FrameTimes]:
    """The frames of a video stream in order; packets of one media time are a frame.

    A frame refers to the one before it; a key frame, whose first payload `flow.begins_key` knows, to none.

    Args:
        packets: of a call, any stream; those of the flow are taken.
        flow: of the video.
    """
    own = [p for p in packets if p.number >= 0 and int.from_bytes(p.data[8:12], "big") == flow.ssrc]
    frames: dict[float, list[MediaPacket]] = {}
    for packet in sorted(own, key=lambda one: one.number):
        frames.setdefault(packet.media_time_s, []).append(packet)
    found: list[FrameTimes] = []
    before_s = math.inf
    for captured_s, members in frames.items():
        complete_s = max(packet.known_s for packet in members)
        key = flow.begins_key is None or flow.begins_key(members[0].data[RTP_HEADER_BYTES:])
        before_s = complete_s if key else max(complete_s, before_s)
        size = sum(len(packet.data) for packet in members)
        found.append(FrameTimes(captured_s, complete_s, before_s, size, key))
    return found


def outcomes(frames: Sequence[FrameTimes], playout: Playout, fps: float) -> list[str]:
    """What the screen shows at the playout time of each frame: "whole" (a new picture), "frozen" or "grey".

    A frame that is decodable too late is shown at the next playout time, if it is the newest then.
    """
    due: dict[int, int] = {}
    for i, frame in enumerate(frames):
        if frame.decodable_s < math.inf:
            wait_s = float(playout.at(frame.captured_s))
            late_s = frame.decodable_s - frame.captured_s - wait_s - CLOCK_RESOLUTION_S
            slot = i + max(0, math.ceil(late_s * fps - 1e-6))
            due[slot] = max(due.get(slot, -1), i)
    shown, newest = [], -1
    for slot in range(len(frames)):
        if due.get(slot, -1) > newest:
            newest = due[slot]
            shown.append("whole")
        else:
            shown.append("frozen" if newest >= 0 else "grey")
    return shown
