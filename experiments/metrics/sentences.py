"""Sentences of a clip, as sent and as received, word by word at the same place."""

from __future__ import annotations

from lossweep.endpoints.clip import Clip, Playback
from lossweep.experiments.metrics.alignment import align_words

PLACEHOLDER = "□"
"""Stands for a word that stayed missing; it matches no word."""
LONGEST = 60
"""Words after which a sentence is cut where no mark ends it."""


def sentences(reference: Clip, playback: Playback) -> tuple[list[str], list[str], list[str]]:
    """Reference, received with PLACEHOLDER, and received with missing words left out; one string per sentence.

    A sentence ends where a word of the *reference* ends in ".", "?" or "!", or after LONGEST words. Received words are
    paired with those of the reference by their start (`align_words`).

    Raises:
        MetricError: a clip without words, naming it.
    """
    shown = align_words(reference, playback)
    sent = [str(word.text) for word in reference.words or ()]
    out: tuple[list[str], list[str], list[str]] = ([], [], [])
    first = 0
    for i, word in enumerate(sent, 1):
        if word.rstrip("\"')").endswith((".", "?", "!")) or i == len(sent) or i - first == LONGEST:
            there = shown[first:i]
            out[0].append(" ".join(sent[first:i]))
            out[1].append(" ".join(PLACEHOLDER if text is None else text for text in there))
            out[2].append(" ".join(text for text in there if text is not None))
            first = i
    return out
