"""Sentences of a clip, as sent and as received, word by word at the same place."""

from __future__ import annotations

from lossweep.endpoints.clip import Clip, Playback

PLACEHOLDER = "□"
"""Stands for a word that stayed missing; it matches no word."""
LONGEST = 60
"""Words after which a sentence is cut where no mark ends it."""


def sentences(reference: Clip, received: Playback) -> tuple[list[str], list[str], list[str]]:
    """Reference, received with PLACEHOLDER, and received with missing words left out; a sentence each.

    A sentence ends where a word of the *reference* ends in ".", "?" or "!", or after LONGEST words.

    Raises:
        ValueError: the clips do not have the same number of words.
    """
    sent, shown = reference.words or (), received.clip.words or ()
    if len(sent) != len(shown):
        raise ValueError(f"{len(sent)} words were sent but {len(shown)} places received")
    out: tuple[list[str], list[str], list[str]] = ([], [], [])
    first = 0
    for i, word in enumerate(sent, 1):
        if word.text.rstrip("\"')").endswith((".", "?", "!")) or i == len(sent) or i - first == LONGEST:
            there = [w.text for w in shown[first:i]]
            out[0].append(" ".join(w.text for w in sent[first:i]))
            out[1].append(" ".join(PLACEHOLDER if text is None else text for text in there))
            out[2].append(" ".join(text for text in there if text is not None))
            first = i
    return out
