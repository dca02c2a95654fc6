"""What a recognizer understands of the speech at the other end."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from lossweep.channels.errors import LossweepError
from lossweep.endpoints.asr.recognizer import DEFAULT, Recognizer, recognizer
from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.metrics.alignment import align_speech
from lossweep.experiments.metrics.content_cache import content_hash, get_or_make
from lossweep.experiments.metrics.metric import ClipMetric, MetricAbsent
from lossweep.experiments.metrics.recognition import normalize_words
from lossweep.experiments.metrics.word_recovery import edit_distance

KEPT = 4096


class RecognizedWords(ClipMetric):
    """`heard_wer`: word error rate of a recognizer on the received speech, against the clip's words.

    `heard_wer_clean` is that on the clip's own speech: what the recognizer gets wrong by itself. Where a transcript
    is known, both are against it. Recognition takes a third of the speech's time.

    Args:
        recognizer: as `clip.recognizer` of a scenario.
    Raises:
        MetricAbsent: there is no such recognizer.
    """

    name = "heard"
    higher_is_better = False
    label = "WER of a recognizer"
    needs = "speech"
    columns = ("heard_wer", "heard_wer_clean")

    def __init__(self, device: str = "cpu", recognizer: str = DEFAULT) -> None:
        super().__init__(device)
        try:
            self._recognizer = _recognizer(recognizer)
        except LossweepError as error:
            raise MetricAbsent(f"heard: {error}") from None
        self._known: LRUCache[bytes, list[str]] = LRUCache(KEPT)

    def score(self, reference: Clip, playback: Playback, truth: Truth) -> dict[str, float]:
        """A value for each of `columns`; none where the spoken words are unknown."""
        original = normalize_words(
            reference.transcript or " ".join(word.text for word in reference.words or ())
        )
        if not original:
            return {}
        clean, received = align_speech(reference, playback)
        wrong = [edit_distance(original, self._words(speech)) / len(original) for speech in (received, clean)]
        return dict(zip(self.columns, wrong, strict=True))

    def forget(self) -> None:
        """Drops the words that are kept."""
        self._known.clear()

    def _words(self, speech: NDArray[np.float32]) -> list[str]:
        def recognize() -> list[str]:
            return normalize_words(" ".join(str(word.text) for word in self._recognizer.words(speech)))

        return get_or_make(self._known, content_hash(speech), recognize)


@lru_cache(maxsize=2)
def _recognizer(name: str) -> Recognizer:
    return recognizer(name)
