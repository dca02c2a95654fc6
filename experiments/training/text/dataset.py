"""Training texts drawn from lectures, with n-gram features from the words before them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.text.interleaving import WINDOW
from lossweep.endpoints.text.ngram_counts import Followers
from lossweep.endpoints.text.ngram_features import GapFeatures, NgramFeatures, concatenate, lecture_followers
from lossweep.endpoints.text.vocabulary import MASK
from lossweep.experiments.training.text.loss_masks import draw_masks

HISTORY = 160 * WINDOW
"""Words before a text that are sent with it, for the caches."""


@dataclass(frozen=True)
class Batch:
    """Texts with missing words.

    Attributes:
        ids, casing_punct: as sent, int64 [texts, words].
        missing: bool [texts, words]; every text has a missing word.
        features: at the missing places, in their order.
    """

    ids: NDArray[np.int64]
    casing_punct: NDArray[np.int64]
    missing: NDArray[np.bool_]
    features: GapFeatures


class Texts:
    """Lectures of one kind.

    Args:
        lectures: ids and casing_punct, int64 [words] each, of each lecture.
        words: length of the texts, a multiple of WINDOW; shorter lectures are left out.
        counted: the lectures are in the counts; each text's own lecture is then subtracted.
        chemistry: they are in the chemistry counts as well.
    """

    def __init__(
        self,
        lectures: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
        words: int,
        *,
        counted: bool,
        chemistry: bool,
    ) -> None:
        self.words = words
        self._lectures = [lecture for lecture in lectures if len(lecture[0]) >= words]
        self._ends = np.cumsum([len(ids) - words + 1 for ids, _ in self._lectures])
        self._counted, self._chemistry = counted, chemistry
        self._own: dict[int, list[Followers]] = {}

    def draw(self, texts: int, ngram_features: NgramFeatures, rng: np.random.Generator) -> Batch:
        """Texts from random places, each sent together with up to HISTORY words before it."""
        return concatenate_batches([self._draw(ngram_features, rng) for _ in range(texts)])

    def _draw(self, ngram_features: NgramFeatures, rng: np.random.Generator) -> Batch:
        place = int(rng.integers(self._ends[-1]))
        number = int(np.searchsorted(self._ends, place, side="right"))
        ids, casing_punct = self._lectures[number]
        begin = place - (int(self._ends[number - 1]) if number else 0)
        history = min(begin // WINDOW * WINDOW, HISTORY)
        sent = ids[begin - history : begin + self.words]
        missing = np.zeros(len(sent), bool)
        while not missing[history:].any():
            missing = draw_masks(1, len(sent) // WINDOW, rng)[0]
        features = ngram_features.at(
            np.where(missing, MASK, sent),
            np.arange(len(sent)) // WINDOW,
            history + np.flatnonzero(missing[history:]),
            own=self._own_of(number, ngram_features.size) if self._counted else None,
        )
        text = slice(begin, begin + self.words)
        return Batch(ids[None, text], casing_punct[None, text], missing[None, history:], features)

    def _own_of(self, number: int, size: int) -> list[Followers]:
        if number not in self._own:
            self._own[number] = lecture_followers(self._lectures[number][0], size, self._chemistry)
        return self._own[number]


def concatenate_batches(batches: Sequence[Batch]) -> Batch:
    """Several batches as one."""
    return Batch(
        np.concatenate([b.ids for b in batches]),
        np.concatenate([b.casing_punct for b in batches]),
        np.concatenate([b.missing for b in batches]),
        concatenate([b.features for b in batches]),
    )
