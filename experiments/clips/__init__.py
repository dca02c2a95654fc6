"""Clips by name: the built-in portrait, a video file, or a folder of them."""

from __future__ import annotations

from dataclasses import replace

from endpoints.clip import SPEECH_RATE, Clip, ClipError
from experiments.clips.portrait import portrait

__all__ = ["ClipError", "load_clips"]


def load_clips(
    source: str, *, fps: float = 25.0, size: int = 256, seconds: float | None = None
) -> list[Clip]:
    """The clips that `source` names.

    Args:
        source: "portrait" (built in).
        fps: wanted frames a second.
        size: wanted width and height in pixels.
        seconds: keeps only the beginning, this long.
    Raises:
        ClipError: no such clip.
    """
    if source != "portrait":
        raise ClipError(f"no clip {source!r}; known: portrait")
    return [_beginning(portrait(fps, size), seconds)]


def _beginning(clip: Clip, seconds: float | None) -> Clip:
    """The first `seconds` of the clip; words that end later are left out."""
    if seconds is None:
        return clip
    return replace(
        clip,
        video=None if clip.video is None else clip.video[: round(seconds * clip.fps)],
        speech=None if clip.speech is None else clip.speech[: round(seconds * SPEECH_RATE)],
        words=None if clip.words is None else tuple(w for w in clip.words if w.end_s <= seconds),
    )
