"""What stands where a word did not arrive: the fillers that a scenario may name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from channels.registry import Registry

CONCEALMENTS = Registry(
    "concealment",
    "lossweep.concealments",
    {
        "none": "endpoints.text.concealment:NoConcealment",
        "unigram": "endpoints.text.concealment:Unigram",
        "ngram": "endpoints.text.ngram:NGram",
        "textpc": "endpoints.text.textpc:TextPC",
    },
)


class Concealment(Protocol):
    """Fills in missing words; a word that arrived is never changed."""

    def fill(self, words: Sequence[str | None], window: int) -> list[str | None]:
        """The words with the missing ones (None) filled in.

        Causal: what stands in a window of `window` words depends on that window and earlier ones only.
        """
        ...


class NoConcealment:
    """Missing words stay missing."""

    def fill(self, words: Sequence[str | None], window: int) -> list[str | None]:
        """The words as they are."""
        return list(words)


class Unigram:
    """Every missing word is the most frequent word of the training lectures."""

    def fill(self, words: Sequence[str | None], window: int) -> list[str | None]:
        """The words, with the one most frequent word at every gap."""
        from endpoints.text.vocabulary import SPECIAL, Vocabulary
        from endpoints.text.weights import SHIPPED, VOCABULARY_FILE

        guess = Vocabulary.load(SHIPPED / VOCABULARY_FILE).surfaces[SPECIAL]
        return [guess if word is None else word for word in words]


@lru_cache(maxsize=8)
def concealment(name: str) -> Concealment:
    """The filler of that name, loaded once."""
    return CONCEALMENTS.get(name)()
