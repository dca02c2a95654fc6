"""When the frames of a stream are shown, read from its packets without decoding any."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from lossweep.experiments.clips.container import open_media, video_stream

USUAL_FPS = 25.0
_RATES = (24, 25, 30, 48, 50, 60, 100, 120, 24000 / 1001, 30000 / 1001, 60000 / 1001)


_BACK_S = 1.0


class RunningTime:
    """Times of a stream that run on where the file's clock starts anew, as in transport streams put end to end.

    A step back of over a second is taken for a new start; smaller ones are the order of decoding.
    Of packets, give the times of decoding: those of showing step back by seconds where frames are rare.
    """

    def __init__(self) -> None:
        self._shift_s = 0.0
        self._last_s: float | None = None

    def at(self, time_s: float, step_s: float) -> float:
        """The running time of the file's time `time_s`; a new start comes `step_s` after the time before."""
        if self._last_s is not None and time_s + self._shift_s < self._last_s - _BACK_S:
            self._shift_s = self._last_s + step_s - time_s
        self._last_s = time_s + self._shift_s
        return self._last_s


@dataclass(frozen=True)
class Timeline:
    """Frame times of a video stream.

    Attributes:
        fps: the stream's own frames per second.
        duration_s: from the first frame to the end of the last, up to a second more than was wanted.
        start_s: the file's time of the first frame.
        packets: how many.
        even: whether all frames are equally long.
        longest_s: the longest time between two frames.
    """

    fps: float
    duration_s: float
    start_s: float
    packets: int
    even: bool
    longest_s: float = 0.0


def read_timeline(path: Path, seconds: float | None) -> Timeline:
    """The times of the default video stream's packets.

    Args:
        seconds: reads no further than two seconds after this; None for all.
    Raises:
        ClipError: as `open_media`.
    """
    times: list[float] = []
    packets, last_s, clock, cut = 0, 0.0, RunningTime(), False
    with open_media(path) as container:
        stream = video_stream(container)
        assert stream is not None
        try:
            for packet in container.demux(stream):
                packets += packet.size > 0
                if packet.pts is None or packet.time_base is None or packet.is_discard:
                    continue
                step_s = float((packet.duration or 0) * packet.time_base)
                decoded = packet.pts if packet.dts is None else packet.dts
                decoded_s = clock.at(float(decoded * packet.time_base), step_s)
                times.append(decoded_s + float((packet.pts - decoded) * packet.time_base))
                last_s = max(last_s, times[-1] + step_s)
                if seconds is not None and times[-1] > times[0] + seconds + 2:
                    cut = True
                    break
        except av.FFmpegError:  # the file breaks off
            pass
        guessed = _rate(stream.guessed_rate)
    first_s = times[0] if times else 0.0
    times.sort()
    if cut and seconds is not None:  # of the last second the frames between the references are not read
        whole = [time_s for time_s in times if time_s <= first_s + seconds + 1]
        times = whole if len(whole) > 1 else times
        last_s = min(last_s, times[-1])
    steps = np.diff(times)
    steps = steps[steps > 0]
    if not len(steps):
        fps = guessed or USUAL_FPS
        return Timeline(fps, max(packets, 1) / fps, times[0] if times else 0.0, packets, True)
    fps = _own_rate(steps, guessed)
    even = bool(np.all(np.abs(steps * fps - 1) < 0.5))
    duration_s = max(last_s, times[-1] + 1 / fps) - times[0]
    return Timeline(fps, duration_s, times[0], packets, even, float(steps.max()))


def _own_rate(steps: np.ndarray, guessed: float) -> float:
    """Frames per second: ffmpeg's guess where the times agree with it, else that of the usual step."""
    usual = 1 / float(np.median(steps))
    mean = 1 / float(np.mean(steps))
    if guessed and (abs(guessed / mean - 1) < 0.02 or abs(guessed / usual - 1) < 0.05):
        return guessed
    if usual < 1:  # slides
        return guessed or USUAL_FPS
    nearest = min(_RATES, key=lambda rate: abs(rate - usual))
    return float(nearest) if abs(nearest / usual - 1) < 0.05 else round(usual, 3)


def _rate(rate: Fraction | None) -> float:
    return float(rate) if rate and 1 <= rate <= 1000 else 0.0
