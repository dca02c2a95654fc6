"""The recognizer's error on the sent speech."""

from __future__ import annotations

import re

from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.metrics.metric import ClipMetric
from lossweep.experiments.metrics.word_recovery import edit_distance


class Recognition(ClipMetric):
    """`recognizer_wer`: word error rate of the words that were sent against the clip's transcript.

    Word edits a word of the transcript, letters' case and marks apart; no column where no transcript is known,
    or where the words are the transcript's own.
    """

    name = "recognition"
    higher_is_better = False
    label = "WER of the recognizer"
    needs = "words"
    columns = ("recognizer_wer",)

    def score(self, reference: Clip, playback: Playback, truth: Truth) -> dict[str, float]:
        """A value for each of `columns`."""
        original = normalize_words(reference.transcript or "")
        if not original:
            return {}
        received = normalize_words(" ".join(word.text for word in reference.words))
        return {"recognizer_wer": edit_distance(original, received) / len(original)}


def normalize_words(text: str) -> list[str]:
    """Words of a text in lower case, with letters, digits and apostrophes only."""
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.lower().replace("’", "'"))
