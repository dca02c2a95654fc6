"""Clips by name: the built-in portrait, a video file, or a folder of them."""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

from endpoints.clip import SPEECH_RATE, Clip, ClipError
from experiments.clips.files import read_file, video_files
from experiments.clips.portrait import portrait

__all__ = ["ClipError", "load_clips"]


def load_clips(
    source: str, *, fps: float = 25.0, size: int = 256, seconds: float | None = None
) -> list[Clip]:
    """The clips that `source` names.

    Args:
        source: "portrait" (built in, see `experiments.clips.portrait`), a video file, or a folder of them,
            in the order of their names; `$NAME` stands for an environment variable.
        fps: wanted frames a second, above 0.
        size: wanted width and height in pixels, even.
        seconds: keeps only the beginning, this long; words that end later are left out.
    Returns:
        One clip a file, its name the file's without the suffix.
    Raises:
        ClipError: one line that names the file or value and the mend.
    """
    if not (math.isfinite(fps) and fps > 0):
        raise ClipError(f"fps must be above 0, not {fps}")
    if size < 16 or size % 2:
        raise ClipError(f"size must be an even number of pixels from 16 on, not {size}")
    if seconds is not None and not seconds * fps >= 1:
        raise ClipError(f"seconds must leave at least one frame of {1 / fps:.3g} s, not {seconds}")
    if source == "portrait":
        return [_beginning(portrait(fps, size), seconds)]
    path = _path(source)
    paths = video_files(path) if path.is_dir() else [path]
    clips = [_beginning(read_file(p, fps, size, seconds), seconds) for p in paths]
    count = Counter(clip.name for clip in clips)
    return [replace(c, name=p.name) if count[c.name] > 1 else c for c, p in zip(clips, paths, strict=True)]


def _path(source: str) -> Path:
    expanded = os.path.expanduser(os.path.expandvars(source))
    unset = re.search(r"\$(\w+|\{\w+\})", expanded)
    if unset is not None:
        name = unset[1].strip("{}")
        raise ClipError(f"{source}: the environment variable {name} is not set; set it (export {name}=...)")
    path = Path(expanded)
    if not path.exists():
        raise ClipError(f"{source}: no such file or folder (the built-in clip is called 'portrait')")
    return path


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
