"""Counts of word pairs and triples, and how to look up many contexts at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import WeightsError
from lossweep.endpoints.text.vocabulary import SPECIAL

FILE = "ngram.npz"
LEAST = 2
"""Pairs and triples said less often are not kept."""
CHEMISTRY = "chemistry_"
"""Before the name of a kind: counted in the knowledge base alone."""
OFFSETS = {"pairs": (0, 1), "skips": (0, 2), "triples": (0, 1, 2)}
"""Places of the words of each kind of n-gram: a skip leaves out the word between."""


@dataclass(frozen=True)
class Grams:
    """N-grams with their counts: int64 [grams, order], in lexical order, and int64 [grams]."""

    words: NDArray[np.int64]
    counts: NDArray[np.int64]


def count(texts: Iterable[NDArray[np.int64]], least: int = LEAST) -> dict[str, Grams]:
    """N-grams of word ids that occur `least` times or more, of each kind of OFFSETS.

    N-grams with a special id in them, and those that would run from one text into the next, are not counted.
    """
    rows = list(texts)
    return {kind: _count(rows, offsets, least) for kind, offsets in OFFSETS.items()}


def _count(texts: list[NDArray[np.int64]], offsets: tuple[int, ...], least: int) -> Grams:
    reach = offsets[-1]
    grams = np.concatenate(
        [np.stack([ids[o : len(ids) - reach + o] for o in offsets], 1) for ids in texts if len(ids) > reach]
        or [np.empty((0, len(offsets)), np.int64)]
    ).astype(np.int64)
    grams = grams[(grams >= SPECIAL).all(1)]
    size = int(grams.max(initial=0)) + 1
    code = grams[:, 0]
    for column in grams.T[1:]:
        code = code * size + column
    codes, counts = np.unique(code, return_counts=True)
    codes, counts = codes[counts >= least], counts[counts >= least]
    columns = []
    for _ in offsets:
        columns.append(codes % size)
        codes = codes // size
    return Grams(np.stack(columns[::-1], 1), counts)


def save(path: Path, grams: dict[str, Grams]) -> None:
    """Writes n-grams, by name, compressed; words as 16-bit numbers."""
    tables = {}
    for name, table in grams.items():
        tables[name] = table.words.astype(np.uint16)
        tables[f"{name}_counts"] = table.counts.astype(np.uint32)
    np.savez_compressed(path, **tables)


def load(path: Path) -> dict[str, Grams]:
    """Reads what `save` wrote.

    Raises:
        WeightsError: the file is missing or broken, naming it.
    """
    if not path.exists():
        raise WeightsError(f"text model: {path} is missing; it ships with lossweep, reinstall or train again")
    try:
        with np.load(path) as tables:
            names = [name for name in tables.files if not name.endswith("_counts")]
            return {
                n: Grams(tables[n].astype(np.int64), tables[f"{n}_counts"].astype(np.int64)) for n in names
            }
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise WeightsError(f"text model: {path} is broken ({error}); train again to write it") from None


class Followers:
    """For a context (one or two words), which words occur at the free place, and how often.

    Args:
        grams: the n-grams.
        free: index of the free place in them.
        size: ids are below it.
    """

    def __init__(self, grams: Grams, free: int, size: int) -> None:
        context = np.delete(grams.words, free, axis=1)
        key = context[:, 0] if context.shape[1] == 1 else context[:, 0] * size + context[:, 1]
        by = np.lexsort((grams.words[:, free], key))
        self.words = grams.words[by, free]
        self.counts = grams.counts[by]
        self.keys, self._first = np.unique(key[by], return_index=True)
        self._first = np.append(self._first, len(by))

    def rows(self, keys: NDArray[np.int64]) -> tuple[NDArray, NDArray, NDArray]:
        """All words of many contexts: index into `keys`, word, count; ascending by (index, word).

        A context that was never said has no entry.
        """
        at = np.searchsorted(self.keys, keys)
        found = np.flatnonzero(at < len(self.keys))
        found = found[self.keys[at[found]] == keys[found]]
        begin, end = self._first[at[found]], self._first[at[found] + 1]
        sizes = end - begin
        places = np.arange(sizes.sum()) + np.repeat(begin - np.cumsum(sizes) + sizes, sizes)
        return np.repeat(found, sizes), self.words[places], self.counts[places]
