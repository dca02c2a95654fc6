"""Clips by name: the built-in portrait, a video or sound file, or a folder of them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from lossweep.endpoints.clip import SPEECH_RATE, Clip, ClipError
from lossweep.experiments.clips.source import BUILT_IN, TRANSCRIPT_SUFFIXES, sources

__all__ = ["ClipError", "check_seconds", "load_clips"]


def load_clips(
    source: str,
    *,
    fps: float | None = None,
    size: int | None = None,
    seconds: float | None = None,
    recognizer: str | None = None,
) -> list[Clip]:
    """The clips that `source` names.

    Args:
        source: "portrait" (built in, see `lossweep.experiments.clips.portrait`), a video or sound file, or a folder
            of them, in the order of their names; `$NAME` stands for an environment variable.
        fps: wanted frames per second, above 0; None for the clip's own (the portrait's is 25).
        size: wanted width and height in pixels, even: the square around a large face, else the centre square; None for
            the clip's own size (the portrait's is 256).
        seconds: keeps only the beginning, this long; words that end later are left out.
        recognizer: takes the words from the sound; see `lossweep.endpoints.asr.recognizer`.
    Returns:
        One clip per file, its name the file's without the suffix; `Clip.notes` says what was changed or not used.
    Raises:
        ClipError: one line that names the file or value and what to do.
    """
    if fps is not None and not (math.isfinite(fps) and fps > 0):
        raise ClipError(f"fps must be above 0, not {fps}")
    if size is not None and (size < 16 or size % 2):
        raise ClipError(f"size must be an even number of pixels from 16 on, not {size}")
    check_seconds(seconds, fps)
    clips = [_beginning(_load(single, fps, size, seconds), seconds) for single in sources(source)]
    if recognizer is not None:
        from lossweep.experiments.clips.recognized import recognize
    return clips if recognizer is None else [recognize(clip, recognizer) for clip in clips]


def check_seconds(seconds: float | None, fps: float | None) -> None:
    """Refuses a length that leaves no frame.

    Args:
        seconds, fps: see `load_clips`; a clip's own frame rate counts as 25 here.
    Raises:
        ClipError: what it must be.
    """
    shortest_s = 1 / (fps or 25.0)
    if seconds is not None and not (math.isfinite(seconds) and seconds >= shortest_s):
        raise ClipError(f"seconds must leave at least one frame of {shortest_s:.3g} s, not {seconds}")


def _load(source: str, fps: float | None, size: int | None, seconds: float | None) -> Clip:
    """One clip; what reads it is imported here, so that the names of clips can be checked without it."""
    from lossweep.experiments.clips.files import read_file
    from lossweep.experiments.clips.portrait import portrait
    from lossweep.experiments.clips.transcript import read_transcript

    if source == BUILT_IN:
        return portrait(fps or 25.0, size or 256)
    file, hash_sign, section = source.partition(".tsv#")
    if hash_sign:
        return read_transcript(Path(f"{file}.tsv"), section)
    if Path(source).suffix.lower() in TRANSCRIPT_SUFFIXES:
        return read_transcript(Path(source))
    return read_file(Path(source), fps, size, seconds)


def _beginning(clip: Clip, seconds: float | None) -> Clip:
    """The first `seconds` of the clip; words that end later are left out."""
    if seconds is None:
        return clip
    return replace(
        clip,
        video=None if clip.video is None else clip.video[: max(1, round(seconds * clip.fps))],
        speech=None if clip.speech is None else clip.speech[: round(seconds * SPEECH_RATE)],
        words=None if clip.words is None else tuple(w for w in clip.words if w.end_s <= seconds),
    )
