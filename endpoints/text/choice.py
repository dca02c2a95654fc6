"""Choosing words from distributions, so that as many words of a sentence match as can be expected."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

REACH = 18
"""Missing words over which counts are balanced: about a sentence."""
EXACT = 1.0
"""What a word at its very place counts against a word anywhere in the sentence."""
CANDIDATES = 128


class Chooser:
    """Names missing words one by one by minimum Bayes risk: clipped unigram counts, and exact places.

    The most probable word at each gap alone would be "the" time and again, where a sentence has it once or
    twice. With X_w the number of gaps where w was said, of the last REACH gaps and those of the window, and
    F_w the times w was filled in there, another w matches with probability P(X_w > F_w). X_w is taken as
    Poisson, its mean the sum of the gaps' probabilities. The word with the largest
    P(X_w > F_w) + EXACT p(w at this gap) is chosen. Later windows are not looked at.
    """

    def __init__(self, vocabulary: int) -> None:
        self._mean = np.zeros(vocabulary)
        self._filled = np.zeros(vocabulary, np.int64)
        self._recent: deque[tuple[NDArray[np.float32], int]] = deque()

    def window(self, probabilities: NDArray[np.float32]) -> list[int]:
        """Ids for the missing words of one window, float32 [missing, vocabulary] in their order."""
        chosen = []
        for p in probabilities:
            self._mean += p
        for p in probabilities:
            candidates = (
                np.argpartition(p, -CANDIDATES)[-CANDIDATES:] if len(p) > CANDIDATES else np.arange(len(p))
            )
            mean = np.maximum(self._mean[candidates], 1e-12)
            gain = gammainc(self._filled[candidates] + 1, mean) + EXACT * p[candidates]
            word = int(candidates[np.argmax(gain)])
            self._filled[word] += 1
            self._recent.append((p, word))
            chosen.append(word)
        while len(self._recent) > REACH:
            p, word = self._recent.popleft()
            self._mean -= p
            self._filled[word] -= 1
        return chosen
