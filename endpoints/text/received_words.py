"""Words put in order at the receiver: which arrived, which are known to be missing, when each was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.receiver import ReceivedPacket
from lossweep.endpoints.text.huffman import Huffman
from lossweep.endpoints.text.interleaving import order
from lossweep.endpoints.text.payload import WordError, WordPayload, depacketize, field_bits

PACE_S = 0.35
"""From word to word, where nothing else is known."""


@dataclass(frozen=True)
class ReceivedWords:
    """The words of a clip up to the end of the last block of which a packet is there.

    Attributes:
        texts: in order; None for a word that is known to be missing.
        starts_s: float64 [words]; of a missing word it is a guess.
        durations_s: float64 [words]; nan for a missing word.
        windows: int64 [words], not falling; number of the block that each word was sent in. Where all packets of
            several blocks are missing, their words are taken for blocks of full length.
    """

    texts: list[str | None]
    starts_s: NDArray[np.float64]
    durations_s: NDArray[np.float64]
    windows: NDArray[np.int64]


def in_order(received: Sequence[ReceivedPacket], code: Huffman, block_words: int) -> ReceivedWords:
    """The words of received packets.

    Blocks that overlap contradict each other: the one with more packets is believed, then the earlier one.

    Args:
        received: of the words' stream.
        block_words: words of a full block.
    """
    field = field_bits(block_words)
    blocks: dict[tuple[int, int], list[tuple[WordPayload, float]]] = {}
    for packet in received:
        try:
            word = depacketize(code, packet.payload, field)
        except WordError:
            continue
        first = packet.number - word.esi
        if first >= 0 and packet.media_time_s >= 0:
            blocks.setdefault((first, word.k), []).append((word, packet.media_time_s))
    accepted = _consistent({block: len(words) for block, words in blocks.items()})
    total = max((first + k for first, k in accepted), default=0)
    texts: list[str | None] = [None] * total
    starts_s, durations_s = np.full((2, total), np.nan)
    begins = np.zeros(total, bool)
    covered = 0
    for first, k in [*accepted, (total, 0)]:
        begins[covered:first:block_words] = True
        begins[first : first + 1] = True
        covered = first + k
        places = order(first, k)
        for word, start_s in blocks.get((first, k), []):
            number = first + int(places[word.esi])
            texts[number], starts_s[number], durations_s[number] = word.text, start_s, word.duration_s
    return ReceivedWords(texts, _filled(starts_s), durations_s, np.cumsum(begins) - 1)


def _consistent(packets: Mapping[tuple[int, int], int]) -> list[tuple[int, int]]:
    """Blocks (first word, words) that do not overlap, in order, by their numbers of packets."""
    accepted: list[tuple[int, int]] = []
    for first, k in sorted(packets, key=lambda block: (-packets[block], block)):
        if all(first + k <= begin or begin + words <= first for begin, words in accepted):
            accepted.append((first, k))
    return sorted(accepted)


def _filled(starts_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Starts with those of missing words: evenly between their neighbours, else at the usual pace."""
    known = np.flatnonzero(~np.isnan(starts_s))
    if not len(known):
        return starts_s
    words = np.arange(len(starts_s))
    out = np.interp(words, known, starts_s[known])
    pace_s = min(PACE_S, starts_s[known[0]] / max(known[0], 1))
    out[: known[0]] -= (known[0] - words[: known[0]]) * pace_s
    out[known[-1] :] += (words[known[-1] :] - known[-1]) * PACE_S
    return out
