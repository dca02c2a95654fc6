"""N-gram log-likelihood ratios of each word at a gap, from neighbours on both sides and recent words.

Each feature has one context: the word before, the two before, the words on both sides, and so on. For a word w its
value is log(1 + (c(w) - D) / (D N P(w))), the log ratio of the probability of w in this context to its overall
frequency, by interpolated absolute discounting. c counts w in the context, N is the number of different words there,
P is the overall frequency and D = 1/2. Words that never occur in the context get 0, so the values are sparse.
The last two features are caches: c decays with every word received since, and D N is a constant.

Source: Ney, Essen and Kneser 1994 (absolute discounting); Kuhn and De Mori 1990 (cache).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.text.ngram_counts import Followers, Grams
from lossweep.endpoints.text.ngram_counts import count as count_grams
from lossweep.endpoints.text.vocabulary import SPECIAL

DISCOUNT = 0.5
CONTEXTS = (
    ("pairs", 1, (-1,)),
    ("pairs", 0, (1,)),
    ("triples", 1, (-1, 1)),
    ("triples", 2, (-2, -1)),
    ("triples", 0, (1, 2)),
    ("skips", 1, (-2,)),
    ("skips", 0, (2,)),
    ("chemistry_pairs", 1, (-1,)),
    ("chemistry_pairs", 0, (1,)),
    ("chemistry_triples", 1, (-1, 1)),
)
"""Kind of n-gram, its free place, and where the context's words stand from the gap."""
CACHES = ((60.0, 20.0), (600.0, 60.0))
"""Half-life in words, and D N."""
FAINT = 0.02
"""Cached words of lower weight are dropped."""
FEATURES = len(CONTEXTS) + len(CACHES)
TOTALS = 2 * FEATURES


@dataclass
class GapFeatures:
    """Sparse values of the features at some gaps.

    Attributes:
        gap, feature, word: int64 [entries]; value: float32 [entries], > 0.
        known: float32 [gaps, TOTALS]; two totals of each feature's context: log(1 + all counts) and
            log(1 + different words). 0 where the context did not arrive.
    """

    gap: NDArray[np.int64]
    feature: NDArray[np.int64]
    word: NDArray[np.int64]
    value: NDArray[np.float32]
    known: NDArray[np.float32]


class NgramFeatures:
    """Computes the features at gaps.

    Args:
        grams: as `counts.count` gives, those of the chemistry lectures alone with the prefix "chemistry_".
        frequency: float64 [vocabulary], sums to 1.
    """

    def __init__(self, grams: dict[str, Grams], frequency: NDArray[np.float64]) -> None:
        self.size = len(frequency)
        self._inverse = (1 / np.maximum(frequency, 1e-8)).astype(np.float32)
        self._followers = [Followers(grams[kind], free, self.size) for kind, free, _ in CONTEXTS]

    def at(
        self,
        ids: NDArray[np.int64],
        windows: NDArray[np.int64],
        gaps: NDArray[np.int64],
        ahead: int = 0,
        own: list[Followers] | None = None,
    ) -> GapFeatures:
        """The features at some gaps of a text.

        Args:
            ids: int64 [words], MASK where a word is missing.
            windows: int64 [words], not decreasing; the window each word is in. The context of a gap is its own
                window, `ahead` later ones and all earlier ones.
            gaps: int64 [gaps], ascending places in the text.
            own: counts of the lecture that the text is from, which are subtracted (in training).
        """
        parts, known = [], np.zeros((len(gaps), TOTALS), np.float32)
        for feature, (_, _, places) in enumerate(CONTEXTS):
            there, keys = self._keys(ids, windows, gaps, places, ahead)
            index, word, count = self._followers[feature].rows(keys)
            if own is not None:
                count = _without(index, word, count, own[feature].rows(keys), self.size)
                kept = count > 1
                index, word, count = index[kept], word[kept], count[kept]
            total = np.bincount(index, count, len(keys))
            different = np.bincount(index, minlength=len(keys))
            backed = np.repeat(DISCOUNT * different, different).astype(np.float32)
            value = np.log1p((count - DISCOUNT).astype(np.float32) / backed * self._inverse[word])
            parts.append((there[index], np.full(len(index), feature), word, value))
            known[there, 2 * feature] = np.log1p(total)
            known[there, 2 * feature + 1] = np.log1p(different)
        parts += self._cached(ids, windows, gaps, known, ahead)
        return GapFeatures(*(np.concatenate(column) for column in zip(*parts, strict=True)), known)

    def _keys(
        self, ids: NDArray, windows: NDArray, gaps: NDArray, places: tuple[int, ...], ahead: int
    ) -> tuple[NDArray, NDArray]:
        where = gaps[:, None] + np.array(places)
        inside = np.clip(where, 0, len(ids) - 1)
        context = ids[inside]
        good = (where == inside) & (context >= SPECIAL) & (windows[inside] <= windows[gaps][:, None] + ahead)
        there = np.flatnonzero(good.all(1))
        context = context[there]
        return there, context[:, 0] if len(places) == 1 else context[:, 0] * self.size + context[:, 1]

    def _cached(
        self, ids: NDArray, windows: NDArray, gaps: NDArray, known: NDArray, ahead: int
    ) -> list[tuple[NDArray, ...]]:
        parts = []
        asked, first_gap = np.unique(windows[gaps], return_index=True)
        last_gap = np.append(first_gap[1:], len(gaps))
        ends = np.searchsorted(windows, asked + ahead, side="right")
        for feature, (half_life, backed) in enumerate(CACHES, len(CONTEXTS)):
            weight, at = np.zeros(self.size, np.float32), 0
            for end, first, last in zip(ends.tolist(), first_gap.tolist(), last_gap.tolist(), strict=True):
                new = ids[at:end]
                weight *= 0.5 ** ((end - at) / half_life)
                ages = 0.5 ** (np.arange(end - at, 0, -1, dtype=np.float32) / half_life)
                arrived = new >= SPECIAL
                np.add.at(weight, new[arrived], ages[arrived])
                at = end
                word = np.flatnonzero(weight > FAINT)
                value = np.log1p(weight[word] / backed * self._inverse[word])
                count = last - first
                parts.append(
                    (
                        np.repeat(np.arange(first, last), len(word)),
                        np.full(count * len(word), feature),
                        np.tile(word, count),
                        np.tile(value, count),
                    )
                )
                known[first:last, 2 * feature] = np.log1p(weight.sum())
                known[first:last, 2 * feature + 1] = np.log1p(len(word))
        return parts


def _without(
    index: NDArray, word: NDArray, count: NDArray, own: tuple[NDArray, NDArray, NDArray], size: int
) -> NDArray:
    if not len(index):
        return count
    code, own_code = index * size + word, own[0] * size + own[1]
    at = np.minimum(np.searchsorted(code, own_code), len(code) - 1)
    found = code[at] == own_code
    count = count.copy()
    count[at[found]] -= own[2][found]
    return count


def lecture_followers(words: NDArray[np.int64], size: int, chemistry: bool) -> list[Followers]:
    """Counts of one lecture of the training text, for `NgramFeatures.at`."""
    grams = count_grams([words], least=1)
    nothing = Grams(np.empty((0, 3), np.int64), np.empty(0, np.int64))
    out = []
    for kind, free, places in CONTEXTS:
        name = kind.removeprefix("chemistry_")
        table = grams[name]
        if name != kind and not chemistry:
            table = Grams(nothing.words[:, : len(places) + 1], nothing.counts)
        out.append(Followers(table, free, size))
    return out


def concatenate(parts: Sequence[GapFeatures]) -> GapFeatures:
    """The features of several texts as one; gaps are numbered consecutively."""
    firsts = np.cumsum([0, *(len(part.known) for part in parts)])
    return GapFeatures(
        np.concatenate([part.gap + first for part, first in zip(parts, firsts[:-1], strict=True)]),
        np.concatenate([part.feature for part in parts]),
        np.concatenate([part.word for part in parts]),
        np.concatenate([part.value for part in parts]),
        np.concatenate([part.known for part in parts]),
    )
