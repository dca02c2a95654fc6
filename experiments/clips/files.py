"""Clips from video files that ffmpeg reads."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from lossweep.endpoints.clip import SPEECH_RATE, Clip, ClipError, Word
from lossweep.experiments.clips.captions import read_captions, sidecar

_SCALER = (
    Interpolation.LANCZOS
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
)
_MIX = {"rematrix_maxval": "1.0"}  # the mean of two channels, which cannot clip
_MOST_BYTES = 4 << 30


def read_file(path: Path, fps: float, size: int, seconds: float | None = None) -> Clip:
    """A video file as a clip.

    The picture is cropped to the centre square, as it is displayed (pixel shape and rotation heeded), and
    scaled by Lanczos. Frame i is the one that is on the screen i / fps after the first. Speech is mixed to
    mono, begins with the first picture and is cut or padded with silence to the length of the pictures; None
    if the file has no sound. Words come from `<name>.vtt` or `<name>.srt` beside the file, else None; what was
    said without times from `<name>.txt`.

    Args:
        path: of the file.
        fps: wanted frames a second.
        size: wanted width and height in pixels.
        seconds: keeps only the beginning, this long.
    Raises:
        ClipError: the file or its captions cannot be read, hold no picture, or too many for the memory.
    """
    try:
        with av.open(str(path)) as container:
            pictures, start_s = _pictures(container, path, fps, size, seconds)
        with av.open(str(path)) as container:
            speech = _speech(container, start_s, len(pictures) / fps)
    except av.FFmpegError as error:
        raise ClipError(f"{path}: not a video that ffmpeg reads, or damaged ({error.strerror})") from error
    words, said, language = None, "", ""
    captions = sidecar(path)
    if captions is not None:
        words, said, language = read_captions(captions)
        words = _while_seen(words, len(pictures) / fps)
    text = path.with_suffix(".txt")
    transcript = text.read_text(encoding="utf-8", errors="replace") if text.is_file() else None
    return Clip(path.stem, pictures, fps, speech, words, said, transcript, language)


def _pictures(
    container: av.container.InputContainer, path: Path, fps: float, size: int, seconds: float | None
) -> tuple[NDArray[np.uint8], float]:
    """Pictures uint8 [frames, size, size, 3], and the file's time of the first."""
    if not container.streams.video:
        raise ClipError(f"{path}: no pictures in this file")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    wanted = None if seconds is None else max(1, round(seconds * fps))
    pictures: list[NDArray[np.uint8]] = []
    start_s = 0.0
    for frame, begin_s, end_s, tolerance_s in _shown(container, stream):
        if not pictures:
            start_s = begin_s
        until = ceil((end_s - start_s - tolerance_s) * fps)
        if wanted is not None:
            until = min(until, wanted)
        if until > len(pictures):
            if until * size * size * 3 > _MOST_BYTES:
                raise ClipError(f"{path}: too long to hold in memory; keep its beginning with `seconds`")
            picture = _square(frame, stream.sample_aspect_ratio, size)
            pictures += [picture] * (until - len(pictures))
        if wanted is not None and len(pictures) >= wanted:
            break
    if not pictures:
        raise ClipError(f"{path}: no pictures in this file")
    return np.stack(pictures), start_s


def _shown(
    container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[tuple[av.VideoFrame, float, float, float]]:
    """Each frame, from when until when it is on the screen, and by how much these times may be rounded."""
    usual_s = float(1 / stream.average_rate) if stream.average_rate else 0.04
    tick_s = float(stream.time_base or Fraction(1, 1000))
    tolerance_s = min(0.5 * tick_s, 0.001) + 1e-9
    before, before_s = None, 0.0
    for frame in container.decode(stream):
        at_s = frame.time if frame.pts is not None else before_s + usual_s * (before is not None)
        if before is not None:
            yield before, before_s, at_s, tolerance_s
        before, before_s = frame, at_s
    if before is not None:
        yield before, before_s, before_s + (before.duration * tick_s or usual_s), tolerance_s


def _square(frame: av.VideoFrame, pixel_shape: Fraction | None, size: int) -> NDArray[np.uint8]:
    """The centre square of a frame as displayed, uint8 [size, size, 3]."""
    shape = float(pixel_shape) if pixel_shape else 1.0
    side = min(frame.width * shape, frame.height)
    width, height = max(1, round(side / shape)), max(1, round(side))
    left, top = (frame.width - width) // 2, (frame.height - height) // 2
    picture = frame.to_ndarray(format="rgb24", interpolation=int(_SCALER))[
        top : top + height, left : left + width
    ]
    if (height, width) != (size, size):
        whole = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        picture = whole.to_ndarray(width=size, height=size, format="rgb24", interpolation=int(_SCALER))
    return np.ascontiguousarray(np.rot90(picture, round(frame.rotation / 90)))


def _speech(
    container: av.container.InputContainer, start_s: float, duration_s: float
) -> NDArray[np.float32] | None:
    """Sound from `start_s` on, float32 [duration_s * 16000], or None where there is none."""
    if not container.streams.audio:
        return None
    stream = container.streams.audio[0]
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SPEECH_RATE, options=_MIX)
    wanted = round(duration_s * SPEECH_RATE)
    parts: list[NDArray[np.float32]] = []
    first_s, have = None, 0
    for frame in container.decode(stream):
        if first_s is None:
            first_s = frame.time or 0.0
        parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
        have = sum(map(len, parts)) + round((first_s - start_s) * SPEECH_RATE)
        if have > wanted + SPEECH_RATE:
            break
    if first_s is None:
        return None
    parts += [part.to_ndarray()[0] for part in resampler.resample(None)]
    sound = np.concatenate(parts)
    offset = round((first_s - start_s) * SPEECH_RATE)
    sound = np.concatenate([np.zeros(offset, np.float32), sound]) if offset > 0 else sound[-offset:]
    sound = sound[:wanted]
    return np.clip(np.pad(sound, (0, wanted - len(sound))), -1.0, 1.0).astype(np.float32)


def _while_seen(words: tuple[Word, ...], duration_s: float) -> tuple[Word, ...]:
    """The words that begin while there are pictures, ended with them."""
    return tuple(Word(w.text, w.start_s, min(w.end_s, duration_s)) for w in words if w.start_s < duration_s)
