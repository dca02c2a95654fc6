"""The RTP payload of one word: where it stands in its block, how long it lasts, and its Huffman code.

     0                   1
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 ...
    +-----+-----+-------+-----------
    | k-1 | ESI | time  | word, padded with zero bits to whole bytes
    +-----+-----+-------+-----------

k-1 and ESI have 3 bits each, or as many as a block of interleaved windows needs. The packet's extended sequence
number less its ESI is the number of the block's first word, which gives the block's permutation
(see `interleaving`), and so the number of the word: any packet alone says which word it carries, and which others its
block has. `time` is the word's duration, 4 bits on a logarithmic scale. The RTP timestamp is the word's start.

Four bits cost the voice nothing that could be measured, and a rule for ends in their place does where the true ends are
exact (results/text_bleu, word_ends.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from lossweep.endpoints.text.huffman import Huffman, HuffmanError

DURATION_BITS = 4
SHORTEST_S, LONGEST_S = 0.06, 1.2
_STEP = log(LONGEST_S / SHORTEST_S) / (2**DURATION_BITS - 1)


class WordError(ValueError):
    """Bytes that are no word's payload."""


@dataclass(frozen=True)
class WordPayload:
    """A word in its block.

    Attributes:
        text: as it is written.
        duration_s: 0.06 to 1.2 s; from the wire within 11 %.
        esi, k: place of the packet in its block, and packets of the block, 0 <= esi < k.
    """

    text: str
    duration_s: float
    esi: int
    k: int


def field_bits(words: int) -> int:
    """Bits of k-1 and of ESI, for blocks of up to so many words."""
    return (words - 1).bit_length()


def packetize(code: Huffman, word: WordPayload, field: int) -> bytes:
    """The payload of a word, with k <= 2^field.

    Args:
        field: bits, see `field_bits`.
    Raises:
        HuffmanError: the word cannot be coded.
    """
    value, bits = code.bits(word.text)
    head = ((word.k - 1) << field | word.esi) << DURATION_BITS | _level(word.duration_s)
    value |= head << bits
    bits += 2 * field + DURATION_BITS
    pad = -bits % 8
    return (value << pad).to_bytes((bits + pad) // 8, "big")


def depacketize(code: Huffman, payload: bytes, field: int) -> WordPayload:
    """The word of a payload.

    Raises:
        WordError: a place outside the block, or no word; nothing else, whatever the bytes.
    """
    value, rest = int.from_bytes(payload, "big"), 8 * len(payload) - 2 * field - DURATION_BITS
    if rest < 1:
        raise WordError(f"a payload of {len(payload)} bytes holds no word")
    head, value = value >> rest, value & ((1 << rest) - 1)
    place, level = divmod(head, 1 << DURATION_BITS)
    k, esi = (place >> field) + 1, place & ((1 << field) - 1)
    if esi >= k:
        raise WordError(f"packet {esi} of a block of {k}")
    try:
        text = code.word(value, rest)
    except HuffmanError as error:
        raise WordError(str(error)) from None
    return WordPayload(
        text, SHORTEST_S * (LONGEST_S / SHORTEST_S) ** (level / (2**DURATION_BITS - 1)), esi, k
    )


def _level(duration_s: float) -> int:
    return round(log(min(max(duration_s, SHORTEST_S), LONGEST_S) / SHORTEST_S) / _STEP)
