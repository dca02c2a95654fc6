"""A word as written is a core ("matter"), a capital or not, and the mark behind it ("Matter," has a comma).

The language models work on cores, of which there are few; capital and mark together are the word's *shape*.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

MARKS = ("", ",", ".", "?", "--", ":")
"""Marks behind a word that are told apart; others count as none."""
SHAPES = 2 * len(MARKS)
"""Shape = capital * len(MARKS) + mark."""

_PARTS = re.compile(r"^([^\w]*)(.*?)([^\w%'°]*)$", re.DOTALL)


@dataclass(frozen=True)
class Form:
    """What a language model sees of a word.

    Attributes:
        core: lower case, without the marks around it; never empty unless the word is.
        shape: 0 to SHAPES - 1; says whether the word begins with a capital, and which mark follows.
        surface: the core as it was written ("pH", "Drennan").
    """

    core: str
    shape: int
    surface: str

    @property
    def ends_sentence(self) -> bool:
        """A full stop or question mark follows."""
        return MARKS[self.shape % len(MARKS)] in (".", "?")


@lru_cache(maxsize=1 << 16)
def analyse(word: str) -> Form:
    """Takes a written word apart; any string without white space."""
    _, surface, marks = _PARTS.match(word).groups()
    if not surface:
        return Form(word.lower(), 0, word)
    mark = next((i for i, m in enumerate(MARKS) if m and marks.startswith(m)), 0)
    return Form(surface.lower(), surface[:1].isupper() * len(MARKS) + mark, surface)


def compose(surface: str, shape: int) -> str:
    """A word as it is written: `surface` as the vocabulary has it, made a capital and marked by `shape`."""
    capital, mark = divmod(shape, len(MARKS))
    return (surface[:1].upper() + surface[1:] if capital else surface) + MARKS[mark]
