"""An n-gram filler: counts of word triples and pairs around a gap, on both sides, with stupid back-off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from endpoints.clip import ClipError
from endpoints.text.choice import Chooser
from endpoints.text.vocabulary import MASK, SPECIAL, Vocabulary
from endpoints.text.weights import SHIPPED, VOCABULARY_FILE

FILE = "ngram.npz"
BACK_OFF = 0.4
LEAST = 2
"""Pairs and triples said less often are not kept."""


def count(texts: Iterable[NDArray[np.int64]], path: Path) -> None:
    """Counts pairs and triples of word ids and writes them, sorted, to `path`."""
    pairs: Counter[tuple[int, ...]] = Counter()
    triples: Counter[tuple[int, ...]] = Counter()
    for ids in texts:
        row = ids.tolist()
        pairs.update(pairwise(row))
        triples.update(zip(row, row[1:], row[2:], strict=False))
    tables = {}
    for name, counts in (("pairs", pairs), ("triples", triples)):
        kept = sorted((*gram, n) for gram, n in counts.items() if n >= LEAST and min(gram) >= SPECIAL)
        table = np.array(kept, np.int64)
        tables[name] = table[:, :-1].astype(np.uint16)
        tables[f"{name}_counts"] = table[:, -1].astype(np.int32)
    np.savez_compressed(path, **tables)


class NGram:
    """Counts of the words said between, after or before the words beside a gap, with stupid back-off.

    Both neighbours known: c(l, w, r) / c(l, ., r), else 0.4 P(w|l) P(w|r) / P(w). One known: its pair counts.
    None: the words' frequencies. Pairs back off to frequencies with weight 0.4. Words are then chosen as
    TextPC's are (`choice.Chooser`), so that the two differ in the model alone; marks and capitals are not
    predicted.

    Source: Brants et al., Large Language Models in Machine Translation, 2007 (stupid back-off).
    """

    def __init__(self, folder: Path = SHIPPED) -> None:
        if not (folder / FILE).exists():
            raise ClipError(f"text model: {folder / FILE} is missing; it ships with lossweep, reinstall")
        self.vocabulary = Vocabulary.load(folder / VOCABULARY_FILE)
        tables = np.load(folder / FILE)
        size = len(self.vocabulary)
        pairs, triples = (tables[name].astype(np.int64) for name in ("pairs", "triples"))
        self._counts = tables["pairs_counts"], tables["triples_counts"]
        self._keys, self._words, self._sorted = [], [], []
        for key, word, counts in (
            (pairs[:, 0], pairs[:, 1], self._counts[0]),
            (pairs[:, 1], pairs[:, 0], self._counts[0]),
            (triples[:, 0] * size + triples[:, 2], triples[:, 1], self._counts[1]),
        ):
            by = np.argsort(key, kind="stable")
            self._keys.append(key[by])
            self._words.append(word[by])
            self._sorted.append(counts[by])

    def fill(self, words: Sequence[str | None], window: int) -> list[str | None]:
        """The words with every missing one filled in; see `Concealment.fill`."""
        filled = list(words)
        ids, _ = self.vocabulary.encode(words)
        chooser = Chooser(len(self.vocabulary))
        for first in range(0, len(ids), window):
            gaps = [i for i in range(first, min(first + window, len(ids))) if ids[i] == MASK]
            if not gaps:
                continue
            last = min(first + window, len(ids)) - 1
            rows = [self._gap(ids[i - 1] if i else MASK, ids[i + 1] if i < last else MASK) for i in gaps]
            for place, word in zip(gaps, chooser.window(np.stack(rows)), strict=True):
                filled[place] = self.vocabulary.surfaces[word]
        return filled

    def _gap(self, left: int, right: int) -> NDArray[np.float32]:
        unigram = self.vocabulary.unigram
        after = self._row(0, left) if left >= SPECIAL else None
        before = self._row(1, right) if right >= SPECIAL else None
        if after is None or before is None:
            p = after if after is not None else before if before is not None else unigram
            return p.astype(np.float32)
        product = after * before / np.maximum(unigram, 1e-9)
        product *= BACK_OFF / product.sum()
        between = self._relative(2, left * len(unigram) + right)
        p = product if between is None else np.where(between > 0, between, product)
        return (p / p.sum()).astype(np.float32)

    def _row(self, table: int, key: int) -> NDArray[np.float64]:
        relative, unigram = self._relative(table, key), self.vocabulary.unigram
        if relative is None:
            return unigram
        p = np.where(relative > 0, relative, BACK_OFF * unigram)
        return p / p.sum()

    def _relative(self, table: int, key: int) -> NDArray[np.float64] | None:
        begin, end = np.searchsorted(self._keys[table], [key, key + 1])
        if begin == end:
            return None
        out = np.zeros(len(self.vocabulary))
        out[self._words[table][begin:end]] = self._sorted[table][begin:end]
        return out / out.sum()
