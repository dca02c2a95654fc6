"""Concealment of words that did not arrive: the methods that a scenario may name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.registry import Registry

CONCEALMENTS = Registry(
    "concealment",
    "lossweep.concealments",
    {
        "none": "lossweep.endpoints.text.concealment:NoConcealment",
        "unigram": "lossweep.endpoints.text.concealment:Unigram",
        "ngram": "lossweep.endpoints.text.ngram:NGram",
        "textpc": "lossweep.endpoints.text.textpc:TextPC",
    },
)


class Concealment(Protocol):
    """Fills in missing words; a word that arrived is never changed."""

    def fill(
        self, words: Sequence[str | None], windows: NDArray[np.int64], ahead: int = 0
    ) -> list[str | None]:
        """The words with the missing ones (None) filled in.

        Causal: words filled into a window depend on that window, earlier ones, and `ahead` later ones only.

        Args:
            words: in order, from the beginning of the text.
            windows: int64 [words], not decreasing; the number of the window that each word was sent in.
            ahead: later windows that may be used.
        """
        ...


def window_slices(windows: NDArray[np.int64]) -> Iterator[slice]:
    """One slice of the words per window, from the windows' numbers (not decreasing)."""
    cuts = [0, *(np.flatnonzero(np.diff(windows)) + 1), len(windows)]
    return (slice(begin, end) for begin, end in pairwise(cuts) if end > begin)


class NoConcealment:
    """Missing words stay missing."""

    def __init__(self, device: str = "cpu") -> None:
        del device

    def fill(
        self, words: Sequence[str | None], windows: NDArray[np.int64], ahead: int = 0
    ) -> list[str | None]:
        """The words as they are."""
        return list(words)


class Unigram:
    """Every missing word is the most frequent word of the training lectures."""

    def __init__(self, device: str = "cpu") -> None:
        del device

    def fill(
        self, words: Sequence[str | None], windows: NDArray[np.int64], ahead: int = 0
    ) -> list[str | None]:
        """The words, with the most frequent word at every gap."""
        from lossweep.endpoints.text.vocabulary import SPECIAL, Vocabulary
        from lossweep.endpoints.text.weights import SHIPPED, VOCABULARY_FILE

        guess = Vocabulary.load(SHIPPED / VOCABULARY_FILE).surfaces[SPECIAL]
        return [guess if word is None else word for word in words]


@lru_cache(maxsize=8)
def concealment(name: str, device: str = "cpu") -> Concealment:
    """The concealment of that name, loaded once; its network runs on `device`."""
    return CONCEALMENTS.get(name)(device=device)
