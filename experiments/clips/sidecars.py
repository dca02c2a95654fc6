"""Files beside a clip: captions, and what was said as plain text."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace
from pathlib import Path

from lossweep.endpoints.clip import ClipError
from lossweep.experiments.clips.captions import Captions, parse_captions
from lossweep.experiments.clips.source import CAPTION_SUFFIXES, SOUND_SUFFIXES, VIDEO_SUFFIXES, composed

_OTHER_SUFFIXES = (".ass", ".ssa", ".sbv", ".ttml", ".dfxp", ".sub", ".lrc", ".smi", ".json3", ".srv3")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")
_MOST_NAMED = 5
_KINDS = ("sdh", "cc", "forced", "orig", "auto", "default")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Sidecars:
    """What stands beside a clip.

    Attributes:
        captions: None where there are none that can be read.
        problem: why captions that are there cannot be read; "" where they can.
        transcript: what was said, without times; None where there is none.
        notes: what is not used, one line each.
    """

    captions: Captions | None
    problem: str
    transcript: str | None
    notes: tuple[str, ...]


def read_sidecars(clip: Path) -> Sidecars:
    """Captions and transcript of a clip: `<name>.vtt` or `<name>.srt`, also `<name>.en.vtt`; `<name>.txt`. Case
    and the form of accents (composed or not) do not count, but a file whose name has the clip's own case comes first.

    Of several caption files the first one is used: without a language before English before others, WebVTT
    before SubRip, "forced" ones last.
    """
    notes: list[str] = []
    files, others = _caption_files(clip)
    captions, problem = None, ""
    if files:
        captions, problem = _read_captions(files[0], clip)
        unused = [file.name for file in files[1:]] + others
        if unused:
            notes.append(f"captions of {files[0].name} are used, not {_listed(unused)}")
    elif others:
        notes.append(
            f"{', '.join(others)} not used; captions are read from {clip.stem}.vtt and {clip.stem}.srt"
        )
    transcript = None
    text = _transcript(clip)
    if text is not None:
        transcript, note = read_text(text)
        notes += [note] if note else []
    return Sidecars(captions, problem, transcript, tuple(notes))


def read_text(path: Path) -> tuple[str, str]:
    """A text file in UTF-8, UTF-16 or UTF-32, else in Windows-1252, of which Latin-1 is a part.

    Returns:
        The text with "\\n" at its line ends, and a line to say where the encoding was not certain, else "".
    Raises:
        OSError: the file cannot be read.
    """
    data = path.read_bytes()
    text, note = _decoded(data, path.name)
    return text.replace("\r\n", "\n").replace("\r", "\n"), note


def _decoded(data: bytes, name: str) -> tuple[str, str]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace"), ""
    if data and data.count(0) > len(data) / 5:
        encoding = "utf-16-le" if data[1::2].count(0) >= data[::2].count(0) else "utf-16-be"
        return data.decode(encoding, "replace"), f"{name} is read as {encoding.upper()}"
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace"), f"{name} is not UTF-8; it is read as Windows-1252"


def _read_captions(path: Path, clip: Path) -> tuple[Captions | None, str]:
    try:
        text, note = read_text(path)
        captions = parse_captions(text, path.name)
    except ClipError as error:
        return None, str(error)
    except OSError as error:
        return None, f"{path.name}: captions cannot be read ({error.strerror}); repair or remove the file"
    notes = (*([note] if note else []), *captions.notes)
    return replace(captions, language=captions.language or _language(path, clip), notes=notes), ""


def _listed(names: list[str]) -> str:
    more = [f"{len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []
    return ", ".join(names[:_MOST_NAMED] + more)


def _caption_files(clip: Path) -> tuple[list[Path], list[str]]:
    """Caption files beside a clip, best first, and the names of those that are not read: another format or name."""
    try:
        beside = sorted(p for p in clip.parent.iterdir() if p != clip and _begins_with(p, clip))
    except OSError:
        return [], []
    of_others = {p.stem for p in beside if p.suffix.lower() in (*VIDEO_SUFFIXES, *SOUND_SUFFIXES)} - {
        clip.stem
    }
    files = [
        p
        for p in beside
        if p.suffix.lower() in (*CAPTION_SUFFIXES, *_OTHER_SUFFIXES)
        and not _tag(p, clip)[:1].isalnum()
        and p.stem not in of_others
        and p.is_file()
    ]
    read = [p for p in files if p.suffix.lower() in CAPTION_SUFFIXES and _is_tag(_tag(p, clip), clip)]
    others = [p.name for p in files if p not in read]
    return sorted(read, key=lambda p: _rank(p, clip)), others


def _begins_with(path: Path, clip: Path) -> bool:
    """Whether a file's name begins with the clip's, in any case."""
    return composed(path.name).lower().startswith(composed(clip.stem).lower())


def _transcript(clip: Path) -> Path | None:
    """The text file of a clip's name; where only the case differs, the first one."""
    exact = clip.with_suffix(".txt")
    if exact.is_file():
        return exact
    try:
        alike = sorted(
            p
            for p in clip.parent.iterdir()
            if composed(p.name).lower() == composed(exact.name).lower() and p.is_file()
        )
    except OSError:
        return None
    return alike[0] if alike else None


def _rank(path: Path, clip: Path) -> tuple[bool, bool, bool, bool, int, str]:
    tag, language = _tag(path, clip).lower(), _language(path, clip).lower()
    suffix = CAPTION_SUFFIXES.index(path.suffix.lower())
    other_case = not composed(path.name).startswith(composed(clip.stem))
    return other_case, "forced" in tag.split("."), bool(tag), not language.startswith("en"), suffix, path.name


def _tag(path: Path, clip: Path) -> str:
    """What stands between the clip's name and the suffix: ".en" of talk.en.vtt."""
    return composed(path.stem)[len(composed(clip.stem)) :]


def _is_tag(tag: str, clip: Path) -> bool:
    """Whether it is nothing, a language and kinds of captions, or the clip's own suffix (talk.mp4.vtt)."""
    if tag.lower() in ("", clip.suffix.lower()):
        return True
    return tag.startswith(".") and all(
        _LANGUAGE.match(part) or part.lower() in _KINDS for part in tag[1:].split(".")
    )


def _language(path: Path, clip: Path) -> str:
    tag = _tag(path, clip)
    parts = [part for part in tag.split(".") if part and part.lower() not in _KINDS]
    return parts[0] if parts and tag.lower() != clip.suffix.lower() else ""
