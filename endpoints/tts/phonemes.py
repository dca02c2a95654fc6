"""Words with times to phonemes with times, as a receiver derives them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from lossweep.endpoints.clip import ClipError, Word
from lossweep.endpoints.tts.espeak import speak

VOICE = "en-us"
PAUSE_S = 0.3
"""Words that are further apart are spoken separately."""
SHORTEST_S = 0.03
MARKS = "',%=|"
NAMES = (
    *(
        "",
        "?",
        "0",
        "0#",
        "02",
        "3",
        "3:",
        "@",
        "@2",
        "@5",
        "@L",
        "A:",
        "A@",
        "A#",
        "D",
        "E",
        "E#",
        "E2",
        "I",
        "I#",
    ),
    *(
        "I2",
        "N",
        "O",
        "O:",
        "O2",
        "O@",
        "OI",
        "S",
        "T",
        "U",
        "U@",
        "V",
        "Z",
        "a",
        "a#",
        "aI",
        "aI3",
        "aI@",
        "aU",
    ),
    *(
        "aa",
        "b",
        "d",
        "d#",
        "dZ",
        "e:",
        "e@",
        "eI",
        "f",
        "g",
        "h",
        "i",
        "i:",
        "i@",
        "i@3",
        "j",
        "k",
        "l",
        "l#",
        "m",
    ),
    *("n", "o@", "oU", "oU#", "p", "r", "r-", "s", "t", "t#", "t2", "tS", "u:", "v", "w", "z", "x"),
)
PHONEME_ID = {name: i for i, name in enumerate(NAMES)}


class TimedPhoneme(NamedTuple):
    """A phoneme, its stress (0, 1 secondary, 2 primary), its times, and the number of its word."""

    name: str
    stress: int
    start_s: float
    end_s: float
    word: int


def to_phonemes(words: Sequence[Word]) -> tuple[TimedPhoneme, ...]:
    """The phonemes of the words that have a text; each word's phonemes are scaled from espeak's times to the word's.

    Words that follow each other within 0.3 s are transcribed together, so that "a" and "the" are as in running speech.
    Marks without letters or digits are silent, and so is a word for which espeak has no phonemes.

    Raises:
        ClipError: a word is not in Latin letters, see `check_latin`.
    """
    out: list[TimedPhoneme] = []
    run: list[int] = []
    for i, word in enumerate(words):
        if run and (word.text is None or word.start_s - words[run[-1]].end_s > PAUSE_S):
            out += _placed(words, run)
            run = []
        if word.text is not None and any(c.isalnum() for c in word.text):
            run.append(i)
    return tuple(out + (_placed(words, run) if run else []))


def normalize_phoneme(name: str) -> tuple[str, int]:
    """The name of an espeak phoneme without marks, one of NAMES or "" (a pause); and its stress."""
    stress = 2 if name.startswith("'") else 1 if name.startswith(",") else 0
    bare = name.strip(MARKS)
    for known in (bare, bare.rstrip("#-;^"), bare.rstrip("#-;^0123456789"), bare[:1]):
        if known in PHONEME_ID:
            return known, stress
    return "", stress


def _placed(words: Sequence[Word], run: Sequence[int]) -> list[TimedPhoneme]:
    tokens = tuple(_token(words[i].text or "") for i in run)
    groups = _transcribe(" ".join(tokens))
    out = []
    for at, (first, sounds) in enumerate(groups):
        last = groups[at + 1][0] - 1 if at + 1 < len(groups) else len(run) - 1
        start = words[run[first]].start_s
        span = max(words[run[last]].end_s - start, SHORTEST_S * len(sounds))
        out += [TimedPhoneme(n, s, start + a * span, start + b * span, run[first]) for n, s, a, b in sounds]
    return out


def check_latin(text: str) -> None:
    """Raises `ClipError` where a word is not in Latin letters."""
    _token(text)


def is_latin(text: str) -> bool:
    """Whether a word is in Latin letters."""
    try:
        _token(text)
    except ClipError:
        return False
    return True


def _token(text: str) -> str:
    token = re.sub(r"[^\w'.,?!$%&+@-]", "", text)
    if not token.isascii() and not all(c.isascii() or "À" <= c <= "ɏ" or not c.isalpha() for c in token):
        raise ClipError(f"the word {text!r} is not in Latin letters; speech synthesis supports English only")
    return token


@lru_cache(maxsize=4096)
def _transcribe(text: str) -> list[tuple[int, list[tuple[str, int, float, float]]]]:
    """For each word that espeak separates: its number, and its phonemes with their shares of its time."""
    _, words, phonemes = speak(text, VOICE)
    tokens, groups, at = text.split(), [], 0
    for i, word in enumerate(words):
        number = next((j for j in range(at, len(tokens)) if tokens[j] == word.text), at)
        at = number + 1
        until = words[i + 1].start_s if i + 1 < len(words) else float("inf")
        own = [p for p in phonemes if word.start_s <= p.start_s < until and normalize_phoneme(p.name)[0]]
        if not own:
            continue
        start, length = own[0].start_s, max(own[-1].end_s - own[0].start_s, 1e-3)
        shares = [((p.start_s - start) / length, (p.end_s - start) / length) for p in own]
        groups.append((number, [(*normalize_phoneme(p.name), *s) for p, s in zip(own, shares, strict=True)]))
    return groups
