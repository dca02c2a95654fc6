"""The pictures of a media file, each as long on the screen as its time says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.clip import ClipError
from lossweep.experiments.clips.container import NOTHING_DECODES, covers, open_media, video_stream
from lossweep.experiments.clips.face_square import SUBJECT, square_box
from lossweep.experiments.clips.memory import check_fits
from lossweep.experiments.clips.timeline import RunningTime, read_timeline
from lossweep.experiments.clips.view import View, whole_view

_SAMPLES, _SAMPLE_STEP_S = 8, 1.0
_FLUSHES = 64


@dataclass(frozen=True)
class Pictures:
    """Decoded pictures.

    Attributes:
        video: uint8 [frames, height, width, 3], RGB.
        fps: frames per second; frame i is what the screen shows i / fps after the first.
        start_s: the file's time of the first.
        notes: what was changed or left out, one line each.
    """

    video: NDArray[np.uint8]
    fps: float
    start_s: float
    notes: tuple[str, ...]


@dataclass
class _Tally:
    undecoded: int = 0
    damaged: int = 0
    cut_off: bool = False


def read_pictures(path: Path, fps: float | None, size: int | None, seconds: float | None) -> Pictures | None:
    """The pictures of the default video stream, turned as its display matrix says.

    Frames that do not decode are skipped: the picture before stays.

    Args:
        fps: wanted frames per second; None for the stream's own.
        size: wanted width and height, of the square around the face, or of the centre square where none or a small
            one is found (`SUBJECT`); None for the stream's own size, padded to even.
        seconds: keeps only the beginning, this long.
    Returns:
        None where the file has no video stream.
    Raises:
        ClipError: as `open_media`; no frame decodes; more than the memory holds.
    """
    with open_media(path) as container:
        stream = video_stream(container)
        if stream is None:
            return None
        width, height = (size, size) if size else (stream.width, stream.height)
        others = len(container.streams.video) - 1 - covers(container)
        which = f"{stream.codec_context.name}, {stream.width}x{stream.height}, stream {stream.index}"
    timeline = read_timeline(path, seconds)
    rate = fps or timeline.fps
    until_s = timeline.duration_s if seconds is None else min(seconds, timeline.duration_s)
    _check_fits(path, width, height, rate, ceil(until_s * rate))
    view, view_note = _view(path, size)
    tally = _Tally()
    room = np.empty((max(1, round(until_s * rate)), view.even[1], view.even[0], 3), np.uint8)
    have, start_s, before = 0, 0.0, 0
    wanted = None if seconds is None else max(1, round(seconds * rate))
    for frame, begin_s, end_s, tolerance_s in _shown(path, tally, 1 / timeline.fps):
        if not have:
            start_s, before = begin_s, tally.undecoded
        until = ceil((end_s - start_s - tolerance_s) * rate)
        until = until if wanted is None else min(until, wanted)
        if until > len(room):
            _check_fits(path, *view.even, rate, until)
            room = np.concatenate([room, np.empty((until, *room.shape[1:]), np.uint8)])
        if until > have:
            room[have:until] = view.picture(frame)
            have = until
        if wanted is not None and have >= wanted:
            break
    if not have:
        raise ClipError(f"{path}: {NOTHING_DECODES}")
    notes = [view_note]
    if others:
        notes.append(f"of its {others + 1} video streams the default one is used ({which})")
    if fps is None and not timeline.even:
        apart = f"{timeline.longest_s:.2g} s"
        notes.append(
            f"its frames come at uneven times, up to {apart} apart; shown at {rate:.5g} frames per second"
        )
    missing_s = start_s - timeline.start_s
    if missing_s > 0.5 / timeline.fps:
        frames = round(missing_s * timeline.fps)
        notes.append(f"its first {frames} frames ({missing_s:.2f} s) do not decode and are left out")
    if tally.undecoded > before:
        undecoded = f"{tally.undecoded - before} of its {timeline.packets} frames"
        notes.append(f"{undecoded} do not decode; the picture before stays")
    if tally.damaged:
        notes.append(f"{tally.damaged} of its frames are damaged and shown as the decoder conceals them")
    if tally.cut_off:
        notes.append("the file breaks off before its end")
    return Pictures(room[:have], rate, start_s, tuple(note for note in notes if note))


def _check_fits(path: Path, width: int, height: int, fps: float, frames: int) -> None:
    what = f"{frames} pictures of {width}x{height}"
    advice = ", or make them fewer or smaller (clip.fps, clip.size)"
    check_fits(path, what, width * height * 3 * fps, frames / fps, advice)


def _view(path: Path, size: int | None) -> tuple[View, str]:
    """How frames become pictures, and what is to be said of it; errors as `read_pictures`."""
    samples: list[NDArray[np.uint8]] = []
    whole, following_s = None, 0.0
    with open_media(path) as container:
        stream = video_stream(container)
        assert stream is not None
        pixel_shape = stream.sample_aspect_ratio
        stored = f"{stream.width}x{stream.height}"
    for frame, begin_s, _, _ in _shown(path, _Tally(), 0.04):
        if whole is None:
            whole, following_s = whole_view(frame, pixel_shape), begin_s
        if size is None or whole.shown == (size, size) or len(samples) >= _SAMPLES:
            break
        if begin_s >= following_s:
            samples.append(whole.unpadded(frame))
            following_s = begin_s + _SAMPLE_STEP_S
    if whole is None:
        raise ClipError(f"{path}: {NOTHING_DECODES}")
    width, height = whole.shown
    if size is not None:
        if whole.shown == (size, size):
            return whole, ""
        box, note = square_box(samples, SUBJECT)
        return replace(whole, box=box, width=size, height=size), f"{note}, scaled to {size}x{size}"
    notes = []
    if pixel_shape not in (None, 0, 1):
        notes.append(f"{stored} pixels that are not square, scaled to {width}x{height}")
    if whole.even != whole.shown:
        even = f"{whole.even[0]}x{whole.even[1]}"
        notes.append(f"{width}x{height} pixels padded to {even} by repeating the edge")
    return whole, ", ".join(notes)


def _shown(path: Path, tally: _Tally, usual_s: float) -> Iterator[tuple[av.VideoFrame, float, float, float]]:
    """Each frame that decodes, from when until when it is on the screen, and by how much times may be rounded."""
    with open_media(path) as container:
        stream = video_stream(container)
        assert stream is not None
        stream.thread_type = "AUTO"
        tick_s = float(stream.time_base or 0.001)
        tolerance_s = min(0.5 * tick_s, 0.001) + 1e-9
        before, before_s, clock = None, 0.0, RunningTime()
        for frame in _decoded(container, stream, tally):
            usual_at_s = before_s + usual_s * (before is not None)
            at_s = usual_at_s if frame.time is None else clock.at(frame.time, usual_s)
            if before is not None:
                yield before, before_s, at_s, tolerance_s
            before, before_s = frame, at_s
        if before is not None:
            yield before, before_s, before_s + (before.duration * tick_s or usual_s), tolerance_s


def _decoded(
    container: av.container.InputContainer, stream: av.VideoStream, tally: _Tally
) -> Iterator[av.VideoFrame]:
    """The frames that decode; the others are counted."""
    try:
        for packet in container.demux(stream):
            for _ in range(
                1 if packet.size else _FLUSHES
            ):  # the empty packet at the end: frames held by threads
                try:
                    frames = packet.decode()
                except av.FFmpegError:
                    tally.undecoded += 1
                    continue
                tally.damaged += sum(frame.is_corrupt for frame in frames)
                yield from frames
                break
    except av.FFmpegError:
        tally.cut_off = True
