"""The lectures that the text models are trained on, and those that are kept back from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lossweep.channels.errors import TrainingDataError

TEST_LECTURES = (3, 9, 12, 16, 19, 24, 30, 33)
"""Chemistry lectures that nothing is trained on or tuned on: the published curves are measured on them."""
VALIDATION_LECTURES = (10, 22)
"""Chemistry lectures that training watches and decoding is tuned on; not trained on either."""
VALIDATION_EVERY = 100
"""Of the other courses every hundredth lecture is for validation."""

KNOWLEDGE_BASE = "chemistry_lectures.txt"

_LECTURE_NUMBER = re.compile(r"lecture-(\d+)-")


@dataclass(frozen=True)
class Lecture:
    """One transcript: the course and lecture of its heading, and its words in order."""

    title: str
    words: tuple[str, ...]

    @property
    def number(self) -> int | None:
        """The number in the title ("lecture-12-..."), if there is one."""
        found = _LECTURE_NUMBER.search(self.title)
        return int(found[1]) if found else None


@dataclass(frozen=True)
class Corpus:
    """Lectures by what they are for; a lecture stands in one list only.

    Attributes:
        general: other courses, for training.
        chemistry: the knowledge base that both ends share, for training.
        validation, test: chemistry lectures kept back from training.
        general_validation: lectures of other courses kept back.
    """

    general: tuple[Lecture, ...]
    chemistry: tuple[Lecture, ...]
    validation: tuple[Lecture, ...]
    test: tuple[Lecture, ...]
    general_validation: tuple[Lecture, ...]


def read_lectures(path: Path) -> list[Lecture]:
    """Lectures of one file; a line "# course / lecture" begins each. Text before the first has no title."""
    lectures, title, words = [], "", []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            lectures.append(Lecture(title, tuple(words)))
            title, words = line[2:].strip(), []
        else:
            words += line.split()
    return [lecture for lecture in [*lectures, Lecture(title, tuple(words))] if lecture.words]


def read_corpus(folder: Path) -> Corpus:
    """The corpus of `$LOSSWEEP_DATA/text`, split by lecture.

    Args:
        folder: with `chemistry_lectures.txt` (the knowledge base) and other .txt files.
    Raises:
        TrainingDataError: no such folder, no .txt file in it, or none of them has a word.
    """
    files = sorted(folder.glob("*.txt"))
    if not files:
        raise TrainingDataError(
            f"corpus folder {folder} holds no .txt file; give the folder of transcripts as --data"
        )
    chemistry: list[Lecture] = []
    general: list[Lecture] = []
    for file in files:
        (chemistry if file.name == KNOWLEDGE_BASE else general).extend(read_lectures(file))
    if not chemistry and not general:
        raise TrainingDataError(f"corpus folder {folder}: its .txt files are empty; put transcripts there")
    kept = {*TEST_LECTURES, *VALIDATION_LECTURES}
    return Corpus(
        general=tuple(x for i, x in enumerate(general) if i % VALIDATION_EVERY),
        chemistry=tuple(x for x in chemistry if x.number not in kept),
        validation=tuple(x for x in chemistry if x.number in VALIDATION_LECTURES),
        test=tuple(x for x in chemistry if x.number in TEST_LECTURES),
        general_validation=tuple(general[::VALIDATION_EVERY]),
    )
