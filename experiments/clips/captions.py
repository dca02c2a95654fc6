"""Words with times from SubRip (.srt) and WebVTT (.vtt) captions."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path

from lossweep.endpoints.clip import ClipError, Word

_TIME = r"(?:(\d+):)?([0-5]\d):([0-5]\d)[.,](\d{3})"
_RANGE = re.compile(rf"\s*{_TIME}\s+-->\s+{_TIME}(?:\s.*)?$")
_INLINE = re.compile(rf"<{_TIME}>")
_LANGUAGE = re.compile(r"\ufeff?WEBVTT.*\n(?:[^\n-]+\n)*?Language: *([\w-]+)")
_TAG = re.compile(r"<[^>]*>|\{\\[^}]*\}")


@dataclass(frozen=True)
class Cue:
    """A caption: from when until when it is shown, and its lines as they stand in the file."""

    start_s: float
    end_s: float
    lines: tuple[str, ...]


def sidecar(video: Path) -> Path | None:
    """The captions beside a video file, `<name>.vtt` before `<name>.srt`; None if there are none."""
    return next((p for p in (video.with_suffix(".vtt"), video.with_suffix(".srt")) if p.is_file()), None)


def read_captions(path: Path) -> tuple[tuple[Word, ...], str, str]:
    """Words of a caption file with their times, where the times come from, and the language.

    WebVTT inline timestamps (`<00:00:01.000>`) are heeded. Between two known times, words are taken to be
    spoken at an even pace, each for a share of the time in proportion to its number of letters: captions do
    not say more. The second value says so.

    Args:
        path: a .srt or .vtt file, UTF-8.
    Returns:
        Words in order of time; text for `Clip.source`; what the header of a WebVTT file says of the language ("de"),
            else "".
    Raises:
        ClipError: the file is malformed, naming the line, or holds no words.
    Source: W3C WebVTT; SubRip has no standard.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ClipError(f"{path}: captions are not UTF-8; convert them (iconv -t utf-8)") from None
    cues = parse_captions(text, str(path))
    words = tuple(sorted(_spoken(cues), key=lambda w: (w.start_s, w.end_s)))
    if not words:
        raise ClipError(f"{path}: no words in these captions; remove the file or mend it")
    inline = "times in the cues, " if _INLINE.search(text) else ""
    language = _LANGUAGE.match(text)
    return words, f"words of {path.name}: {inline}even pace over a cue", language[1] if language else ""


def parse_captions(text: str, name: str) -> list[Cue]:
    """Cues of a caption file, SubRip or WebVTT (which begins with WEBVTT).

    Args:
        text: content of the file.
        name: of the file, for messages.
    Raises:
        ClipError: a block without a time range, or one that ends before it begins; the line is named.
    """
    lines = text.lstrip("\ufeff").splitlines()
    vtt = bool(lines) and lines[0].startswith("WEBVTT")
    cues = []
    for first, block in _blocks(lines):
        if vtt and (first == 0 or block[0].startswith(("NOTE", "STYLE", "REGION"))):
            continue
        at = 0 if "-->" in block[0] else 1
        match = _RANGE.match(block[at]) if at < len(block) else None
        if match is None:
            example = "00:01.000 --> 00:02.500" if vtt else "00:00:01,000 --> 00:00:02,500"
            raise ClipError(f"{name}, line {first + 1}: no time range such as {example}")
        start_s, end_s = _seconds(match.groups()[:4]), _seconds(match.groups()[4:])
        if end_s < start_s:
            raise ClipError(f"{name}, line {first + at + 1}: the caption ends before it begins")
        cues.append(Cue(start_s, end_s, tuple(block[at + 1 :])))
    return cues


def _blocks(lines: list[str]) -> list[tuple[int, list[str]]]:
    """Runs of lines that are not blank, each with the index of its first line."""
    blocks: list[tuple[int, list[str]]] = []
    open_block = False
    for i, line in enumerate(lines):
        if not line.strip():
            open_block = False
        elif open_block:
            blocks[-1][1].append(line)
        else:
            blocks.append((i, [line]))
            open_block = True
    return blocks


def _spoken(cues: list[Cue]) -> list[Word]:
    """Words of all cues; where cues have times inside, lines that repeat the last cue are left out."""
    rolling = any(_INLINE.search(line) for cue in cues for line in cue.lines)
    words: list[Word] = []
    before: set[str] = set()
    for cue in cues:
        plain = [_plain(line) for line in cue.lines]
        new = [line for line, seen in zip(cue.lines, plain, strict=True) if not (rolling and seen in before)]
        before = set(plain)
        pieces = _INLINE.split(" ".join(new))
        starts = [cue.start_s, *(_seconds(pieces[i : i + 4]) for i in range(1, len(pieces), 5))]
        starts = [min(max(s, cue.start_s), cue.end_s) for s in starts]
        for piece, start, end in zip(pieces[::5], starts, [*starts[1:], cue.end_s], strict=True):
            words += _even_pace(_plain(piece).split(), start, max(start, end))
    return words


def _even_pace(texts: list[str], start_s: float, end_s: float) -> list[Word]:
    """Words over a time, each with a share in proportion to its length."""
    total = sum(map(len, texts))
    edges = [0]
    for text in texts:
        edges.append(edges[-1] + len(text))
    at = [start_s + (end_s - start_s) * edge / total for edge in edges] if total else []
    return [Word(text, begin, end) for text, begin, end in zip(texts, at, at[1:], strict=False)]


def _plain(line: str) -> str:
    return html.unescape(_TAG.sub("", line)).strip()


def _seconds(groups: tuple[str | None, ...] | list[str | None]) -> float:
    hours, minutes, seconds, thousandths = (int(g or 0) for g in groups)
    return 3600 * hours + 60 * minutes + seconds + thousandths / 1000
