"""Words as written ("Matter,") split into a normalised form ("matter") and casing with punctuation.

The language models predict normalised forms, of which there are few; casing and punctuation are a second, small class.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

MARKS = ("", ",", ".", "?", "--", ":")
"""Marks after a word that are distinguished; others count as none."""
CASING_PUNCT_CLASSES = 2 * len(MARKS)
"""Class = capital * len(MARKS) + mark."""

_PARTS = re.compile(r"^([^\w]*)(.*?)([^\w%'°]*)$", re.DOTALL)


@dataclass(frozen=True)
class WordForm:
    """What a language model sees of a word.

    Attributes:
        norm: lower case, without the marks around it; never empty unless the word is.
        casing_punct: 0 to CASING_PUNCT_CLASSES - 1: whether the word begins with a capital, and which mark follows.
        surface: the word as written, without marks ("pH", "Drennan").
    """

    norm: str
    casing_punct: int
    surface: str

    @property
    def ends_sentence(self) -> bool:
        """A full stop or question mark follows."""
        return MARKS[self.casing_punct % len(MARKS)] in (".", "?")


@lru_cache(maxsize=1 << 16)
def analyse(word: str) -> WordForm:
    """Splits a written word; any string without white space."""
    _, surface, marks = _PARTS.match(word).groups()
    if not surface:
        return WordForm(word.lower(), 0, word)
    mark = next((i for i, m in enumerate(MARKS) if m and marks.startswith(m)), 0)
    return WordForm(surface.lower(), surface[:1].isupper() * len(MARKS) + mark, surface)


def compose(surface: str, casing_punct: int) -> str:
    """The written word: `surface` as in the vocabulary, with the casing and mark of a class."""
    capital, mark = divmod(casing_punct, len(MARKS))
    return (surface[:1].upper() + surface[1:] if capital else surface) + MARKS[mark]
