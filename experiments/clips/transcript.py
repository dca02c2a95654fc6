"""Clips of words alone, from a transcript: text, or a table of words with their times."""

from __future__ import annotations

from pathlib import Path

from lossweep.endpoints.clip import Clip, ClipError, Word
from lossweep.experiments.clips.sidecars import read_text

WORDS_A_SECOND = 2.5
"""Pace of text without times: 150 words a minute, a lecturer's."""


def read_transcript(path: Path, section: str = "") -> Clip:
    """A transcript as a clip that has words only.

    `.tsv`: lines of a time in ms and what was said from then on, words of one line evenly spaced; a line
    "## name" begins a section. Other files: plain text, "# " lines left out; the words get an even pace
    of 2.5 a second, and `Clip.source` says so.

    Args:
        section: of a `.tsv`, only the section whose name begins with this; "" is all of it.
    Raises:
        ClipError: the file cannot be read, has a malformed line, or holds no words.
    """
    try:
        text, note = read_text(path)
    except OSError as error:
        raise ClipError(f"transcript {path}: {error.strerror}; name a text file") from None
    lines = text.split("\n")
    timed = path.suffix.lower() == ".tsv"
    words = _timed(path, lines, section) if timed else _even(lines)
    if not words:
        where = f" in section {section!r}" if section else ""
        raise ClipError(f"transcript {path} holds no words{where}; put the text to send there")
    return Clip(
        section or path.stem, words=words, source="" if timed else "even pace", notes=(note,) if note else ()
    )


def _even(lines: list[str]) -> tuple[Word, ...]:
    texts = [text for line in lines if not line.startswith("# ") for text in line.split()]
    step = 1 / WORDS_A_SECOND
    return tuple(Word(text, i * step, (i + 1) * step) for i, text in enumerate(texts))


def _timed(path: Path, lines: list[str], section: str) -> tuple[Word, ...]:
    entries: list[tuple[float, list[str]]] = []
    inside = not section
    for number, line in enumerate(lines, 1):
        if line.startswith("## "):
            inside = line[3:].startswith(section)
            continue
        if not inside or not line.strip():
            continue
        time_ms, tab, text = line.partition("\t")
        if not tab or not time_ms.strip().lstrip("-").isdigit():
            raise ClipError(f"transcript {path}, line {number}: not 'milliseconds<tab>words': {line[:40]!r}")
        if text.split():
            entries.append((max(int(time_ms) / 1000, entries[-1][0] if entries else 0.0), text.split()))
    words: list[Word] = []
    followers = [*entries[1:], None][: len(entries)]
    for (start, texts), following in zip(entries, followers, strict=True):
        step = 1 / WORDS_A_SECOND
        if following is not None:
            step = min(step, (following[0] - start) / len(texts))
        words += [Word(text, start + i * step, start + (i + 1) * step) for i, text in enumerate(texts)]
    return tuple(words)
