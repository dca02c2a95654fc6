"""A canonical Huffman code for words; an escape symbol spells unknown words, so any text is coded without loss."""

from __future__ import annotations

import gzip
import heapq
import json
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from lossweep.channels.errors import WeightsError

ESCAPE = ""
"""Stands before a word spelt in UTF-8: 16 bits of length in bytes, then the bytes."""
FILE = Path(__file__).parent / "model" / "huffman.json.gz"


class HuffmanError(ValueError):
    """Bytes that are not a coded word."""


class Huffman:
    """Words to bits and back.

    Args:
        lengths: bits of each word and of ESCAPE; code words follow by (length, word), the canonical order.
    """

    def __init__(self, lengths: dict[str, int]) -> None:
        self.lengths = lengths
        self._code: dict[str, tuple[int, int]] = {}
        value = previous = 0
        for length, word in sorted((length, word) for word, length in lengths.items()):
            value <<= length - previous
            self._code[word] = (value, length)
            value, previous = value + 1, length
        self._word = {code: word for word, code in self._code.items()}
        self._longest = previous

    def bits(self, word: str) -> tuple[int, int]:
        """The code of one word: its value, and its number of bits.

        Raises:
            HuffmanError: a word of more than 65535 bytes, or with a surrogate in it.
        """
        if word in self._code and word != ESCAPE:
            return self._code[word]
        try:
            spelt = word.encode("utf-8")
        except UnicodeEncodeError:
            raise HuffmanError(f"the word {word!r} is no Unicode text") from None
        if len(spelt) > 0xFFFF:
            raise HuffmanError(f"a word of {len(spelt)} bytes; at most 65535 can be sent")
        value, bits = self._code[ESCAPE]
        value = ((value << 16 | len(spelt)) << 8 * len(spelt)) | int.from_bytes(spelt, "big")
        return value, bits + 16 + 8 * len(spelt)

    def word(self, bits: int, total: int) -> str:
        """The word that `bits` coded, with zeros behind it up to whole bytes.

        Args:
            bits, total: value and number of the bits, the padding among them.
        Raises:
            HuffmanError: truncated, no code word, or something behind it; nothing else, whatever the bits.
        """
        for length in range(1, min(self._longest, total) + 1):
            word = self._word.get((bits >> (total - length), length))
            if word is None:
                continue
            rest = total - length
            if word == ESCAPE:
                word, rest = _spelt(bits, rest)
            if rest > 7 or bits & ((1 << rest) - 1):
                raise HuffmanError("something stands behind the word")
            return word
        raise HuffmanError("no code word")

    def save(self, path: Path) -> None:
        """Writes the lengths; equal codes give equal bytes."""
        path.write_bytes(gzip.compress(json.dumps(self.lengths, ensure_ascii=False).encode(), mtime=0))


def _spelt(bits: int, rest: int) -> tuple[str, int]:
    """The word spelt in the last `rest` bits, and how many bits are behind it."""
    rest -= 16
    size = bits >> rest & 0xFFFF if rest >= 0 else 0
    if rest < 8 * size or rest < 0:
        raise HuffmanError("a spelt word is truncated")
    rest -= 8 * size
    spelt = bits >> rest & ((1 << 8 * size) - 1)
    try:
        return spelt.to_bytes(size, "big").decode("utf-8"), rest
    except UnicodeDecodeError:
        raise HuffmanError("a spelt word is not UTF-8") from None


def train(words: Iterable[str], least: int = 3) -> Huffman:
    """The optimal code for the words that occur `least` times or more; rarer ones share ESCAPE.

    Source: Huffman, A method for the construction of minimum-redundancy codes, 1952.
    """
    counts = Counter(words)
    kept = {word: n for word, n in counts.items() if n >= least and word != ESCAPE}
    kept[ESCAPE] = max(1, sum(counts.values()) - sum(kept.values()))
    heap = [(n, i, [word]) for i, (word, n) in enumerate(sorted(kept.items()))]
    lengths = dict.fromkeys(kept, 0 if len(kept) > 1 else 1)
    heapq.heapify(heap)
    while len(heap) > 1:
        (n, i, left), (m, _, right) = heapq.heappop(heap), heapq.heappop(heap)
        for word in left + right:
            lengths[word] += 1
        heapq.heappush(heap, (n + m, i, left + right))
    return Huffman(lengths)


@lru_cache(maxsize=2)
def load(path: Path = FILE) -> Huffman:
    """The code that both ends share.

    Raises:
        WeightsError: the file is missing.
    """
    if not path.exists():
        raise WeightsError(f"text code: {path} is missing; it ships with lossweep, reinstall or train again")
    return Huffman(json.loads(gzip.decompress(path.read_bytes())))
