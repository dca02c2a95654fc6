"""Where clips come from: a name, a file, or all files of a folder."""

from __future__ import annotations

import logging
import os
import re
import unicodedata
from pathlib import Path

from lossweep.endpoints.clip import ClipError

BUILT_IN = "portrait"
# fmt: off
VIDEO_SUFFIXES = (
    ".3gp", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4",
    ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv", ".y4m",
)
SOUND_SUFFIXES = (".aac", ".aif", ".aiff", ".flac", ".m4a", ".mka", ".mp3", ".oga", ".ogg", ".opus", ".wav", ".wma")
# fmt: on
TRANSCRIPT_SUFFIXES = (".txt", ".tsv")
CAPTION_SUFFIXES = (".vtt", ".srt")
_log = logging.getLogger(__name__)


def sources(source: str) -> list[str]:
    """The single clips that a source stands for, sorted by name.

    A path that exists is taken as it is; in another one, `~` and `$NAME` are expanded. "FILE.tsv#NAME" is the
    section of a timed transcript whose name begins with NAME. Of a folder, files whose names begin with a dot are
    left out; broken links and empty files are skipped, with a line in the log.

    Args:
        source: "portrait", a file, or a folder of video files (of sound files where it holds no video, of
            transcripts where it holds neither).
    Raises:
        ClipError: no such file or folder, a variable that is not set, a folder without clips.
    """
    if source == BUILT_IN:
        return [source]
    expanded = source if _exists(source) else _expanded(source)
    file, hash_sign, section = expanded.partition(".tsv#")
    if hash_sign and Path(f"{file}.tsv").exists():
        return [expanded] if section else [f"{file}.tsv"]
    path = Path(expanded)
    if path.is_dir():
        return _of_folder(path, source)
    if not path.exists() and not path.is_symlink():
        raise ClipError(f"no such clip: {source} (a video or sound file, a folder of them, or {BUILT_IN!r})")
    return [str(path)]


def composed(name: str) -> str:
    """A file's name with composed accents; macOS writes them decomposed."""
    return unicodedata.normalize("NFC", name)


def _expanded(source: str) -> str:
    """The path with `~` and `$NAME` replaced; errors as `sources`."""
    for name in re.findall(r"\$(\w+|\{\w+\})", source):
        if name.strip("{}") not in os.environ:
            variable = name.strip("{}")
            raise ClipError(
                f"{source}: the environment variable {variable} is not set; set it (export {variable}=...)"
            )
    return os.path.expandvars(os.path.expanduser(source))


def _of_folder(folder: Path, source: str) -> list[str]:
    files = sorted(file for file in folder.iterdir() if not file.name.startswith("."))
    for suffixes in (VIDEO_SUFFIXES, SOUND_SUFFIXES, TRANSCRIPT_SUFFIXES):
        found = [file for file in files if file.suffix.lower() in suffixes and not file.is_dir()]
        usable = [str(file) for file in found if not _why_skipped(file)]
        for file in found:
            if reason := _why_skipped(file):
                _log.warning("clip folder %s: %s is skipped: %s", source, file.name, reason)
        if usable:
            return usable
    raise ClipError(
        f"clip folder {source} holds no video or sound file that can be used ({', '.join(VIDEO_SUFFIXES)}, ...)"
    )


def _why_skipped(file: Path) -> str:
    """ "" for a file with content."""
    try:
        if not file.is_file():
            return "a broken link" if file.is_symlink() and not file.exists() else "no regular file"
        return "" if file.stat().st_size else "an empty file"
    except OSError as error:
        return str(error.strerror)


def _exists(source: str) -> bool:
    file, _, _ = source.partition(".tsv#")
    return os.path.lexists(source) or ("#" in source and Path(f"{file}.tsv").exists())
