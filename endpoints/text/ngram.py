"""N-gram concealment: counts of word triples and pairs around a gap, on both sides, with stupid back-off."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.text import ngram_counts as counts
from lossweep.endpoints.text.concealment import window_slices
from lossweep.endpoints.text.mbr_decoding import MbrDecoder, breaks_before, casing_punct_so_far
from lossweep.endpoints.text.ngram_counts import Followers
from lossweep.endpoints.text.vocabulary import MASK, SPECIAL, Vocabulary
from lossweep.endpoints.text.weights import SHIPPED, VOCABULARY_FILE

BACK_OFF = 0.4


class NGram:
    """Counts of words between, after or before the neighbours of a gap, with stupid back-off.

    Both neighbours known: c(l, w, r) / c(l, ., r), else 0.4 P(w|l) P(w|r) / P(w). One known: its pair counts.
    None: the words' frequencies. Pairs back off to frequencies with weight 0.4. Words are then chosen by the same
    rule as TextPC's (`MbrDecoder`), so the two differ in the model alone. Casing and mark have the distribution of
    the words received so far.

    Source: Brants et al., Large Language Models in Machine Translation, 2007 (stupid back-off).
    """

    def __init__(self, folder: Path = SHIPPED, device: str = "cpu") -> None:
        del device
        self.vocabulary = Vocabulary.load(folder / VOCABULARY_FILE)
        grams, size = counts.load(folder / counts.FILE), len(self.vocabulary)
        self._after = Followers(grams["pairs"], 1, size)
        self._before = Followers(grams["pairs"], 0, size)
        self._between = Followers(grams["triples"], 1, size)

    def fill(
        self, words: Sequence[str | None], windows: NDArray[np.int64], ahead: int = 0
    ) -> list[str | None]:
        """The words with every missing one filled in; see `Concealment.fill`."""
        ids, casing_punct = self.vocabulary.encode(words)
        missing = ids == MASK
        gaps = np.flatnonzero(missing)
        breaks = breaks_before(casing_punct, missing)
        forms = casing_punct_so_far(casing_punct, missing, windows, ahead)
        filled, decoder = list(words), MbrDecoder(self.vocabulary)
        last = len(ids) - 1
        for part in window_slices(windows[gaps]):
            rows = []
            for gap in gaps[part]:
                known = gap < last and windows[gap + 1] <= windows[gap] + ahead
                rows.append(self._gap(ids[gap - 1] if gap else MASK, ids[gap + 1] if known else MASK))
            chosen = decoder.decode(np.stack(rows), forms[part], breaks[part])
            for gap, word in zip(gaps[part], chosen, strict=True):
                filled[gap] = word
        return filled

    def _gap(self, left: int, right: int) -> NDArray[np.float32]:
        unigram = self.vocabulary.unigram
        after = self._row(self._after, left) if left >= SPECIAL else None
        before = self._row(self._before, right) if right >= SPECIAL else None
        if after is None or before is None:
            p = after if after is not None else before if before is not None else unigram
            return p.astype(np.float32)
        product = after * before / np.maximum(unigram, 1e-9)
        product *= BACK_OFF / product.sum()
        between = self._relative(self._between, left * len(unigram) + right)
        p = product if between is None else np.where(between > 0, between, product)
        return (p / p.sum()).astype(np.float32)

    def _row(self, followers: Followers, key: int) -> NDArray[np.float64]:
        relative, unigram = self._relative(followers, key), self.vocabulary.unigram
        if relative is None:
            return unigram
        p = np.where(relative > 0, relative, BACK_OFF * unigram)
        return p / p.sum()

    def _relative(self, followers: Followers, key: int) -> NDArray[np.float64] | None:
        _, words, count = followers.rows(np.array([key]))
        if not len(words):
            return None
        out = np.zeros(len(self.vocabulary))
        out[words] = count
        return out / out.sum()
