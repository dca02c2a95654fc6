"""Likeness of meaning: the cosine of sentence embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from endpoints.clip import Clip, ClipError, Received
from endpoints.text.pretrained import minilm_folder
from experiments.metrics.metric import MetricAbsent
from experiments.metrics.sentences import sentences

MAX_TOKENS = 256
BATCH = 64


class SemanticSimilarity:
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
        try:
            folder = minilm_folder()
        except ClipError as reason:
            raise MetricAbsent(f"semantic_similarity: {reason}") from None
        from transformers import BertModel, BertTokenizerFast

        self._tokenizer = BertTokenizerFast.from_pretrained(str(folder))
        self._model: Any = BertModel.from_pretrained(str(folder)).to(device).eval()
        self._device = device
        self._known: dict[str, NDArray[np.float32]] = {}

    def score(self, reference: Clip, received: Received) -> dict[str, float]:
        """A value for each of `columns`."""
        sent, marked, dropped = sentences(reference, received)
        original = self._embeddings(sent)
        row = {}
        for column, shown in zip(self.columns, (marked, dropped), strict=True):
            cosines = (original * self._embeddings(shown)).sum(1)
            row[column] = float(np.mean(np.where([not text for text in shown], 0.0, cosines)))
        self._known = dict(zip(sent, original, strict=True))
        return row

    def _embeddings(self, texts: list[str]) -> NDArray[np.float32]:
        import torch

        new = sorted({text for text in texts if text not in self._known}, key=len)
        for first in range(0, len(new), BATCH):
            part = new[first : first + BATCH]
            tokens = self._tokenizer(
                part, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
            ).to(self._device)
            with torch.inference_mode():
                hidden = self._model(**tokens).last_hidden_state
                mask = tokens["attention_mask"].unsqueeze(2)
                mean = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1)
            self._known.update(zip(part, mean.cpu().numpy(), strict=True))
        return np.stack([self._known[text] for text in texts])
