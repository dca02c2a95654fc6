"""Words with times from SubRip (.srt) and WebVTT (.vtt) captions."""

from __future__ import annotations

import html
import io
import re
from dataclasses import dataclass

import av
import webvtt

from lossweep.endpoints.clip import ClipError, Word

_TIME = r"(?:(\d+):)?([0-5]?\d):([0-5]?\d)[.,](\d{1,3})"
_INLINE = re.compile(rf"<{_TIME}>")
_VTT_TIME = re.compile(rf"{_TIME}$")
_CLOCK = r"(?:\d+:)?\d+:\d+(?:[.,]\d+)?"
_RANGE = re.compile(rf"^[ \t]*-?({_CLOCK})[ \t]*-->[ \t]*-?({_CLOCK})", re.MULTILINE)
_VTT_CLOCK = r"(?:\d+:)?\d{1,2}:\d{1,2}\.\d{1,3}"
_VTT_RANGE = re.compile(rf"^\s*{_VTT_CLOCK}\s*-->\s*{_VTT_CLOCK}", re.MULTILINE)
_LIKE_RANGE = re.compile(r"^.*\d+:\d+\S*\s*-+>.*\d+:\d+.*$", re.MULTILINE)
_LANGUAGE = re.compile(r"WEBVTT.*\n(?:[^\n-]+\n)*?Language: *([\w-]+)")
_VTT_TAG = re.compile(r"<[^>]*(?:>|$)|\{\\[^}]*\}")
_SRT_TAG = re.compile(
    r"""</?\s*(?:i|b|u|s|em|strong|font|c|v|span|ruby|rt)(?:\.[\w.]+)?(?:\s+\w+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+))*\s*>"""
    r"|\{\\[^}]*\}",
    re.IGNORECASE,
)
_BREAK = re.compile(r"<\s*br\s*/?>", re.IGNORECASE)
_BEYOND_LATIN = "\u0250"


@dataclass(frozen=True)
class Cue:
    """A caption: from when until when it is shown, and its lines with their tags."""

    start_s: float
    end_s: float
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Captions:
    """What a caption file says.

    Attributes:
        words: in order of time.
        source: where their times come from, for `Clip.source`.
        language: of the words, as the header of a WebVTT file names it ("de"); else "".
        notes: what of the file is not used, one line each.
    """

    words: tuple[Word, ...]
    source: str
    language: str
    notes: tuple[str, ...]


def parse_captions(text: str, name: str) -> Captions:
    """Words of a caption file with their times.

    WebVTT inline timestamps (`<00:00:01.000>`) are heeded. Between two known times, words are taken to be
    spoken at an even pace, each for a share of the time in proportion to its number of letters: captions do
    not say more, and `source` says so.

    Args:
        text: content of the file; WebVTT where it begins so, else SubRip.
        name: of the file, for messages.
    Raises:
        ClipError: no words in it.
    Source: W3C WebVTT for its blocks; SubRip, which has no standard, as ffmpeg reads it.
    """
    text = text.lstrip("\ufeff").replace("\0", "\ufffd").replace("\r\n", "\n").replace("\r", "\n")
    vtt = text.startswith("WEBVTT")
    found = _vtt_cues(text) if vtt else _srt_cues(text)
    cues = [cue for cue in found if cue.start_s <= cue.end_s]
    notes = []
    if len(cues) < len(found):
        notes.append(f"{name}: captions that end before they begin are left out ({len(found) - len(cues)})")
    malformed = [r for r in _LIKE_RANGE.findall(text) if not (_VTT_RANGE if vtt else _RANGE).match(r)]
    if malformed:
        example = "00:01.000 --> 00:02.500" if vtt else "00:00:01,000 --> 00:00:02,500"
        line = 1 + text[: text.index(malformed[0])].count("\n")
        count = f"{len(malformed)}, the first in line {line}"
        notes.append(f"{name}: captions whose times are not like {example} are left out ({count})")
    words = tuple(sorted(_spoken(cues, vtt), key=lambda w: (w.start_s, w.end_s)))
    if not words:
        what = notes[0] if notes else f"{name}: no words in these captions"
        raise ClipError(f"{what}; repair or remove the file")
    inline = "times in the cues, " if any(_INLINE.search(_text(cue)) for cue in cues) else ""
    language = _LANGUAGE.match(text)
    source = f"words of {name}: {inline}even pace over a cue"
    return Captions(words, source, language[1] if language else "", tuple(notes))


def _text(cue: Cue) -> str:
    return "\n".join(cue.lines)


def _vtt_cues(text: str) -> list[Cue]:
    try:
        captions = webvtt.from_string(text).captions
    except webvtt.errors.MalformedFileError:
        return []
    return [Cue(_seconds(c.start), _seconds(c.end), tuple(c.raw_text.splitlines())) for c in captions]


def _srt_cues(text: str) -> list[Cue]:
    text = _RANGE.sub(lambda match: f"{_full(match[1])} --> {_full(match[2])}", text)
    try:
        with av.open(io.BytesIO(text.encode("utf-8", "replace")), "r", format="srt") as container:
            tick_s = float(container.streams[0].time_base or 0.001)
            return [
                Cue(
                    packet.pts * tick_s,
                    (packet.pts + (packet.duration or 0)) * tick_s,
                    tuple(bytes(packet).decode("utf-8", "replace").splitlines()),
                )
                for packet in container.demux()
                if packet.size and packet.pts is not None
            ]
    except (av.FFmpegError, IndexError):
        return []


def _full(clock: str) -> str:
    """A SubRip time with the hours and thousandths that some writers leave out and ffmpeg asks for."""
    clock = clock if clock.count(":") == 2 else f"00:{clock}"
    return clock if "," in clock or "." in clock else f"{clock},000"


def _spoken(cues: list[Cue], vtt: bool) -> list[Word]:
    """Words of all cues; where cues have times inside, plain lines that repeat the last cue are left out."""
    plain = _plain_vtt if vtt else _plain_srt
    rolling = any(_INLINE.search(_text(cue)) for cue in cues)
    words: list[Word] = []
    before: set[str] = set()
    for cue in cues:
        said = {line: plain(line) for line in cue.lines}
        new = [line for line in cue.lines if _INLINE.search(line) or not (rolling and said[line] in before)]
        before = set(said.values())
        pieces = _INLINE.split(" ".join(new))
        starts = [cue.start_s, *(_clock(pieces[i : i + 4]) for i in range(1, len(pieces), 5))]
        starts = [min(max(s, cue.start_s), cue.end_s) for s in starts]
        last = ""
        for piece, start, end in zip(pieces[::5], starts, [*starts[1:], cue.end_s], strict=True):
            found = _even_pace(plain(piece).split(), start, max(start, end))
            bare = _VTT_TAG.sub("", piece)
            if found and _inside_word(last, bare):
                words[-1] = Word(f"{words[-1].text}{found[0].text}", words[-1].start_s, found[0].end_s)
                found = found[1:]
            words += found
            last = bare or last
    return words


def _inside_word(before: str, after: str) -> bool:
    """Whether a time stands inside a word of Latin letters, as before a syllable that is sung."""
    return all(letter.isalpha() and letter < _BEYOND_LATIN for letter in (before[-1:], after[:1]))


def _even_pace(texts: list[str], start_s: float, end_s: float) -> list[Word]:
    """Words over a time, each with a share in proportion to its length."""
    total = sum(map(len, texts))
    edges = [0]
    for text in texts:
        edges.append(edges[-1] + len(text))
    at = [start_s + (end_s - start_s) * edge / total for edge in edges] if total else []
    return [Word(text, begin, end) for text, begin, end in zip(texts, at, at[1:], strict=False)]


def _plain_vtt(line: str) -> str:
    return html.unescape(_VTT_TAG.sub("", line)).strip()


def _plain_srt(line: str) -> str:
    return _SRT_TAG.sub("", _BREAK.sub(" ", line.replace("\\N", " "))).strip()


def _seconds(time: str) -> float:
    match = _VTT_TIME.match(time)
    return _clock(match.groups()) if match else 0.0


def _clock(groups: tuple[str | None, ...] | list[str | None]) -> float:
    hours, minutes, seconds = (int(g or 0) for g in groups[:3])
    return 3600 * hours + 60 * minutes + seconds + float(f"0.{groups[3]}")
