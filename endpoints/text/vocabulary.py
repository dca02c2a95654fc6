"""The words of the language models: normalised forms, their usual spelling, and their frequency."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import WeightsError
from lossweep.endpoints.text.word_forms import analyse

UNKNOWN = 0
MASK = 1
SPECIAL = 2
"""Smaller ids are not words: UNKNOWN is a word outside the vocabulary, MASK a missing word."""


@dataclass(frozen=True)
class Vocabulary:
    """Words by id, the most frequent first after the two special ones.

    Attributes:
        surfaces: usual spelling of each id inside a sentence; "" for the special ones.
        counts: occurrences of each id in the training text.
        knowledge: occurrences in the knowledge base alone.
    """

    surfaces: tuple[str, ...]
    counts: tuple[int, ...]
    knowledge: tuple[int, ...]

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {s.lower(): i for i, s in enumerate(self.surfaces) if i >= SPECIAL}

    def __len__(self) -> int:
        return len(self.surfaces)

    def encode(self, words: Iterable[str | None]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ids and casing classes, int64 [words] each; a word that is None is MASK with class 0."""
        ids, casing_punct = [], []
        for word in words:
            form = analyse(word) if word is not None else None
            ids.append(MASK if form is None else self._ids.get(form.norm, UNKNOWN))
            casing_punct.append(0 if form is None else form.casing_punct)
        return np.array(ids, np.int64), np.array(casing_punct, np.int64)

    @cached_property
    def unigram(self) -> NDArray[np.float64]:
        """Probability of each id, float64 [vocabulary]; 0 for the special ones."""
        counts = np.array(self.counts, np.float64)
        counts[:SPECIAL] = 0
        return counts / counts.sum()

    @cached_property
    def frequency(self) -> NDArray[np.float64]:
        """Expected frequency in a chemistry lecture: the mean of `unigram` and that of the knowledge base."""
        knowledge = np.array(self.knowledge, np.float64)
        return 0.5 * self.unigram + 0.5 * knowledge / knowledge.sum() if knowledge.any() else self.unigram

    def save(self, path: Path) -> None:
        """Writes gzipped JSON; equal vocabularies give equal bytes."""
        text = json.dumps(
            [self.surfaces, self.counts, self.knowledge], ensure_ascii=False, separators=(",", ":")
        )
        path.write_bytes(gzip.compress(text.encode(), mtime=0))

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Reads what `save` wrote.

        Raises:
            WeightsError: the file is missing or is not a vocabulary.
        """
        if not path.exists():
            raise WeightsError(
                f"text model: {path} is missing; it ships with lossweep, reinstall or train again"
            )
        try:
            surfaces, counts, knowledge = json.loads(gzip.decompress(path.read_bytes()))
        except (OSError, ValueError, EOFError):
            raise WeightsError(f"text model: {path} is not a vocabulary; train again to write it") from None
        return cls(tuple(surfaces), tuple(counts), tuple(knowledge))


def build(
    general: Iterable[Sequence[str]], chemistry: Iterable[Sequence[str]], least_general: int = 15
) -> Vocabulary:
    """Every word of the knowledge base, and words of other courses that occur `least_general` times or more."""
    counts: Counter[str] = Counter()
    written: defaultdict[str, Counter[str]] = defaultdict(Counter)
    knowledge: Counter[str] = Counter()
    for texts, is_chemistry in ((general, False), (chemistry, True)):
        for words in texts:
            begins = True
            for word in words:
                form = analyse(word)
                counts[form.norm] += 1
                if not begins:
                    written[form.norm][form.surface] += 1
                if is_chemistry:
                    knowledge[form.norm] += 1
                begins = form.ends_sentence
    known = {norm for norm, n in counts.items() if n >= least_general or norm in knowledge}
    order = sorted(known, key=lambda norm: (-counts[norm], norm))
    surfaces = [max(written[c], key=lambda s: (written[c][s], s)) if written[c] else c for c in order]
    return Vocabulary(
        ("", "", *surfaces), (0, 0, *(counts[c] for c in order)), (0, 0, *(knowledge[c] for c in order))
    )
