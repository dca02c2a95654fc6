"""Where clips come from: a name, a file, or all files of a folder."""

from __future__ import annotations

import os
import re
from pathlib import Path

from lossweep.endpoints.clip import ClipError

BUILT_IN = "portrait"
# fmt: off
VIDEO_SUFFIXES = (
    ".3gp", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4",
    ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv", ".y4m",
)
# fmt: on
TRANSCRIPT_SUFFIXES = (".txt", ".tsv")


def sources(source: str) -> list[str]:
    """The single clips that a source stands for, sorted by name. `$NAME` in a path is expanded.
    "FILE.tsv#NAME" is the section of a timed transcript whose name begins with NAME.

    Args:
        source: "portrait", a file, or a folder of video files (of transcripts, where it holds no video).
    Raises:
        ClipError: no such file or folder, a variable that is not set, a folder without clips.
    """
    if source == BUILT_IN:
        return [source]
    expanded = os.path.expandvars(os.path.expanduser(source))
    unset = re.search(r"\$(\w+|\{\w+\})", expanded)
    if unset is not None:
        name = unset[1].strip("{}")
        raise ClipError(f"{source}: the environment variable {name} is not set; set it (export {name}=...)")
    file, hash_sign, section = expanded.partition(".tsv#")
    if hash_sign and Path(f"{file}.tsv").exists():
        return [expanded] if section else [f"{file}.tsv"]
    path = Path(expanded)
    if path.is_dir():
        for suffixes in (VIDEO_SUFFIXES, TRANSCRIPT_SUFFIXES):
            found = sorted(str(file) for file in path.iterdir() if file.suffix.lower() in suffixes)
            if found:
                return found
        raise ClipError(f"clip folder {source} holds no video file ({', '.join(VIDEO_SUFFIXES)})")
    if not path.exists():
        raise ClipError(f"no such clip: {source} (a video file, a folder of them, or {BUILT_IN!r})")
    return [str(path)]
