"""The RTP payload of one word: where it stands in its block, and its Huffman code.

     0                   1
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 ...
    +-----+-----+-------------------
    | k-1 | ESI | word, padded with zero bits to whole bytes
    +-----+-----+-------------------

The two fields have 3 bits each, or as many as a block of interleaved windows needs. The packet's extended sequence
number less its ESI is the number of the block's first word, which gives the block's permutation
(see `interleaving`), and so the number of the word: any packet alone says which word it carries, and which others its
block has.
"""

from __future__ import annotations

from lossweep.endpoints.text.huffman import Huffman, HuffmanError
from lossweep.endpoints.text.interleaving import WINDOW


class WordError(ValueError):
    """Bytes that are no word's payload."""


def field_bits(windows_interleaved: int) -> int:
    """Bits of each of the two fields, for blocks of so many windows."""
    return (WINDOW * windows_interleaved - 1).bit_length()


def packetize(code: Huffman, text: str, esi: int, k: int, field: int) -> bytes:
    """The payload of a word.

    Args:
        esi, k: place of the packet in its block, 0 <= esi < k <= 2^field.
        field: bits, see `field_bits`.
    Raises:
        HuffmanError: the word cannot be coded.
    """
    value, bits = code.bits(text)
    value |= ((k - 1) << field | esi) << bits
    bits += 2 * field
    pad = -bits % 8
    return (value << pad).to_bytes((bits + pad) // 8, "big")


def depacketize(code: Huffman, payload: bytes, field: int) -> tuple[str, int, int]:
    """Word, ESI and k of a payload.

    Raises:
        WordError: a place outside the block, or no word; nothing else, whatever the bytes.
    """
    value, rest = int.from_bytes(payload, "big"), 8 * len(payload) - 2 * field
    if rest < 1:
        raise WordError(f"a payload of {len(payload)} bytes holds no word")
    place, value = value >> rest, value & ((1 << rest) - 1)
    k, esi = (place >> field) + 1, place & ((1 << field) - 1)
    if esi >= k:
        raise WordError(f"packet {esi} of a block of {k}")
    try:
        return code.word(value, rest), esi, k
    except HuffmanError as error:
        raise WordError(str(error)) from None
