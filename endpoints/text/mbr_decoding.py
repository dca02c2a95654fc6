"""Choosing words from distributions, so that as much of a sentence as can be expected is there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from lossweep.endpoints.text.vocabulary import Vocabulary
from lossweep.endpoints.text.word_forms import MARKS, SHAPES, compose

EXACT = 1.0
"""What a word at its very place counts against a word anywhere in the sentence."""
CONTENT = 1.25
"""How much more a word is worth for each power of ten that it is rarer than COMMON."""
COMMON = 0.01
"""Frequency of words like "a" and "is"."""
CANDIDATES = 128

_ENDS = np.array([mark in (".", "?") for mark in MARKS])


class Chooser:
    """Names missing words one by one by minimum Bayes risk: words of a sentence, words at their place.

    The most probable word at each gap alone would be "the" time and again, where a sentence has it once or
    twice. Let X_w be the number of gaps of this sentence, so far and in this window, where w was said, and F_w
    how often w was filled in there; another w is a match with probability P(X_w > F_w). The word chosen has
    the largest worth(w) (P(X_w > F_w) + EXACT p(w at this gap)). X_w is taken as Poisson; gaps count for its
    mean by the chance that no sentence ended since, which received words tell for sure and the distribution
    of marks tells of missing ones. worth(w) = 1 + CONTENT max(0, log10(COMMON / frequency of w)): what a
    sentence is about hangs on its rare words. With CONTENT = 0 the choice aims at clipped unigram counts,
    that is BLEU-1; the constants were tuned on the validation lectures for gains in both BLEU-1 and semantic
    similarity. Later windows are not looked at.

    Punctuation marks are chosen likewise, `EXACT` and worth being 1, and only as many as are expected: their
    expected number is summed up, and a window gets the whole marks that are owed by then, where they gain most.

    Source: Kumar and Byrne 2004 (minimum Bayes risk decoding).

    Args:
        vocabulary: of the distributions.
        exact, content: as the constants; other values are for ablations.
    """

    def __init__(self, vocabulary: Vocabulary, exact: float = EXACT, content: float = CONTENT) -> None:
        self._surfaces = vocabulary.surfaces
        rarity = np.log10(COMMON / np.maximum(vocabulary.frequency, 1e-7))
        self._worth = (1 + content * np.maximum(rarity, 0)).astype(np.float32)
        self._exact = exact
        self._mean, self._filled = np.zeros((2, len(vocabulary)), np.float32)
        self._marks, self._marked = np.zeros((2, len(MARKS)))
        self._goes_on = self._owed = 0.0

    def window(
        self, words: NDArray[np.float32], shapes: NDArray[np.float32], breaks: NDArray[np.bool_]
    ) -> list[str]:
        """The missing words of one window, as they are written.

        Args:
            words: float32 [missing, vocabulary], a distribution each.
            shapes: float32 [missing, SHAPES], likewise.
            breaks: bool [missing]; a word that arrived ended a sentence since the missing word before.
        """
        capital = shapes.reshape(-1, 2, len(MARKS)).sum(2)[:, 1] > 0.5
        marks = shapes.reshape(-1, 2, len(MARKS)).sum(1)
        ends = marks @ _ENDS
        goes_on = np.append(self._goes_on, 1 - ends[:-1]) * ~breaks
        same = _same_sentence(goes_on)
        mean, mark_mean = same @ words, same @ marks
        marked = self._marked_gaps(marks, mark_mean)
        chosen = []
        for i, p in enumerate(words):
            for state in (self._mean, self._filled, self._marks, self._marked):
                state *= goes_on[i]
            word = self._word(p, mean[i])
            mark = 1 + int(np.argmax(self._mark_gain(marks[i], mark_mean[i]))) if i in marked else 0
            self._filled[word] += 1
            self._marked[mark] += 1
            chosen.append(compose(self._surfaces[word], int(capital[i]) * len(MARKS) + mark))
        self._mean += same[-1] @ words
        self._marks += same[-1] @ marks
        self._goes_on = 1 - ends[-1]
        return chosen

    def _word(self, p: NDArray[np.float32], mean: NDArray[np.float32]) -> int:
        some = np.argpartition(p, -CANDIDATES)[-CANDIDATES:] if len(p) > CANDIDATES else np.arange(len(p))
        expected = np.maximum(self._mean[some] + mean[some], 1e-12)
        gain = gammainc(self._filled[some] + 1, expected) + self._exact * p[some]
        return int(some[np.argmax(self._worth[some] * gain)])

    def _marked_gaps(self, p: NDArray[np.float64], mean: NDArray[np.float64]) -> set[int]:
        self._owed += float((1 - p[:, 0]).sum())
        number = min(int(self._owed), len(p))
        self._owed -= number
        gains = self._mark_gain(p, mean).max(1)
        return set(np.argsort(-gains, kind="stable")[:number].tolist())

    def _mark_gain(self, p: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
        expected = np.maximum(self._marks + mean, 1e-12)[..., 1:]
        return gammainc(self._marked[1:] + 1, expected) + p[..., 1:]


def _same_sentence(goes_on: NDArray[np.float64]) -> NDArray[np.float32]:
    """Chance that two gaps of a window are in one sentence, float32 [gaps, gaps], from that of neighbours."""
    size = len(goes_on)
    same = np.eye(size, dtype=np.float32)
    for i in range(size):
        chance = np.cumprod(goes_on[i + 1 :])
        same[i, i + 1 :] = same[i + 1 :, i] = chance
    return same


def breaks_before(shapes: NDArray[np.int64], missing: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """For each missing word of a text: did a word that arrived end a sentence since the one before?

    Args:
        shapes: int64 [words], of the words that arrived.
        missing: bool [words].
    Returns:
        bool [missing words].
    """
    ended = np.cumsum(~missing & _ENDS[shapes % len(MARKS)])[missing]
    return np.diff(ended, prepend=0) > 0


def shapes_so_far(
    shapes: NDArray[np.int64], missing: NDArray[np.bool_], windows: NDArray[np.int64], ahead: int
) -> NDArray[np.float32]:
    """How often each shape was among the words that arrived, up to each missing word's window.

    One word in lower case and without a mark is counted besides.

    Returns:
        float32 [missing words, SHAPES], distributions.
    """
    there = np.zeros((len(shapes) + 1, SHAPES), np.float32)
    there[np.flatnonzero(~missing) + 1, shapes[~missing]] = 1
    ends = np.searchsorted(windows, windows[missing] + ahead, side="right")
    counted = there.cumsum(0)[ends]
    counted[:, 0] += 1
    return counted / counted.sum(1, keepdims=True)
