"""Sentence embeddings of all-MiniLM-L6-v2, each text once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import LossweepError
from lossweep.endpoints.text.minilm import minilm_folder
from lossweep.experiments.metrics.metric import MetricAbsent

MAX_TOKENS = 256
BATCH = 64


class Embedder:
    """all-MiniLM-L6-v2 with mean pooling; embeddings have length 1.

    Raises:
        MetricAbsent: the package with the model is not installed.
    Source: Reimers and Gurevych 2019.
    """

    def __init__(self, device: str = "cpu") -> None:
        try:
            folder = minilm_folder()
        except LossweepError as reason:
            raise MetricAbsent(f"sentence embeddings: {reason}") from None
        from transformers import BertModel, BertTokenizerFast
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        self._tokenizer = BertTokenizerFast.from_pretrained(str(folder))
        self._model: Any = BertModel.from_pretrained(str(folder)).to(device).eval()
        self._device = device
        self._known: dict[str, NDArray[np.float32]] = {}

    def of(self, texts: list[str]) -> NDArray[np.float32]:
        """Embeddings, float32 [texts, 384]; those of texts met before are not computed again."""
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

    def keep(self, texts: Iterable[str]) -> None:
        """Forgets all others."""
        self._known = {text: self._known[text] for text in texts if text in self._known}
