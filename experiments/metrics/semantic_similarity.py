"""Likeness of meaning: the cosine of sentence embeddings."""

from __future__ import annotations

import numpy as np

from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.metrics.embedding import Embedder
from lossweep.experiments.metrics.metric import ClipMetric
from lossweep.experiments.metrics.sentences import sentences


class SemanticSimilarity(ClipMetric):
    """Mean cosine of sentence embeddings, all-MiniLM-L6-v2 with mean pooling, of sent and received sentences.

    In [-1, 1]. Missing words are placeholders; in `semantic_similarity_dropped` they are left out, and a
    sentence of which nothing arrived counts 0.

    Source: Reimers and Gurevych 2019.
    """

    name = "semantic_similarity"
    higher_is_better = True
    label = "semantic similarity"
    needs = "words"
    columns = ("semantic_similarity", "semantic_similarity_dropped")

    def __init__(self, device: str = "cpu") -> None:
        super().__init__(device)
        self._embedder = Embedder(device)

    def score(self, reference: Clip, playback: Playback, truth: Truth) -> dict[str, float]:
        """A value for each of `columns`."""
        sent, marked, dropped = sentences(reference, playback)
        original = self._embedder.of(sent)
        row = {}
        for column, shown in zip(self.columns, (marked, dropped), strict=True):
            cosines = (original * self._embedder.of(shown)).sum(1)
            row[column] = float(np.mean(np.where([not text for text in shown], 0.0, cosines)))
        self._embedder.keep(sent)
        return row
