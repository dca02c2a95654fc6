"""Speech and words of a clip beside those of its receiver: samples by the clock, words by their start."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.clip import Clip, Playback, Word
from lossweep.experiments.metrics.metric import MetricError

FARTHEST_S = 10.0
"""A received word that begins farther from every word of the clip belongs to none. The start of a word that was lost
and filled in is a guess, hence the margin; its place is held by its neighbours."""


SAME_START_S = 1e-3
"""Starts that differ by less are one: a receiver has them in ticks of the RTP clock."""


def align_speech(reference: Clip, playback: Playback) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Speech of the clip and of its receiver, over the time of the clip.

    What is played later is cut off; where the receiver's speech ends early there is silence.

    Returns:
        Two float32 [samples] in [-1, 1], 16 kHz.
    Raises:
        MetricError: a clip without speech, naming it.
    """
    original, received = reference.speech, playback.clip.speech
    if original is None or not len(original):
        raise MetricError(f"the reference clip {reference.name!r} has no speech to score")
    if received is None:
        raise MetricError(f"the received clip {playback.clip.name!r} has no speech to score")
    received = received[: len(original)]
    return original, np.pad(received, (0, len(original) - len(received)))


def align_words(reference: Clip, playback: Playback) -> list[str | None]:
    """What the receiver shows for each word of the clip; None where it shows nothing.

    Where as many words are received as were sent, known missing ones included, they belong together in order. Otherwise
    those that begin at one time belong together, and so do, in order, those between two such pairs where there are as
    many of both. The rest keep their order, each belongs to at most one word of the clip, and the sum of differences of
    their start times is least; a word that belongs to none counts FARTHEST_S, and is written behind the one before it.

    Raises:
        MetricError: a clip without words, naming it.
    """
    for role, clip in (("reference", reference), ("received", playback.clip)):
        if clip.words is None or (role == "reference" and not clip.words):
            raise MetricError(f"the {role} clip {clip.name!r} has no words to score")
    sent, shown = reference.words or (), playback.clip.words or ()
    if len(sent) == len(shown):
        return [word.text for word in shown]
    known = [word for word in shown if word.text is not None]
    places: list[list[str]] = [[] for _ in sent]
    last = 0
    for word, place in zip(known, _places(sent, known), strict=True):
        last = last if place is None else place
        places[last].append(str(word.text))
    return [" ".join(texts) if texts else None for texts in places]


def _places(sent: tuple[Word, ...], known: list[Word]) -> list[int | None]:
    """Index of the sent word for each received one."""
    places: list[int | None] = [None] * len(known)
    behind = (-1, -1)
    for i, j in [*_same_start(sent, known), (len(known), len(sent))]:
        between = known[behind[0] + 1 : i], sent[behind[1] + 1 : j]
        for k, place in enumerate(_by_time(between[1], between[0]), behind[0] + 1):
            places[k] = None if place is None else behind[1] + 1 + place
        if i < len(known):
            places[i] = j
        behind = (i, j)
    return places


def _same_start(sent: tuple[Word, ...], known: list[Word]) -> list[tuple[int, int]]:
    """Received and sent words that begin at one time, in order: index of each."""
    out: list[tuple[int, int]] = []
    j = 0
    for i, word in enumerate(known):
        while j < len(sent) and sent[j].start_s < word.start_s - SAME_START_S:
            j += 1
        if j < len(sent) and sent[j].start_s <= word.start_s + SAME_START_S:
            out.append((i, j))
            j += 1
    return out


def _by_time(sent: tuple[Word, ...], known: list[Word]) -> list[int | None]:
    """Index of the sent word for each received one between two of which that is known.

    In order where there are as many of both, else by dynamic programming over both.
    """
    if len(sent) == len(known):
        return list(range(len(known)))
    starts = np.array([word.start_s for word in sent])
    # least[i][j]: cost of the first i received words among the first j sent ones
    least = np.zeros((len(known) + 1, len(sent) + 1))
    for i, word in enumerate(known, 1):
        apart = np.abs(starts - word.start_s)
        matched = least[i - 1, :-1] + np.where(apart <= FARTHEST_S, apart, np.inf)
        left_out = least[i - 1] + FARTHEST_S
        least[i] = np.minimum.accumulate(np.minimum(left_out, np.append(np.inf, matched)))
    places: list[int | None] = [None] * len(known)
    j = len(sent)
    for i in range(len(known), 0, -1):
        while j and least[i, j] == least[i, j - 1]:
            j -= 1
        if least[i, j] != least[i - 1, j] + FARTHEST_S:
            j -= 1
            places[i - 1] = j
    return places
