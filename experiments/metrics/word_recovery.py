"""How many words are right, in place (recovery) and after alignment (WER), and chrF."""

from __future__ import annotations

from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.metrics.alignment import align_words
from lossweep.experiments.metrics.embedding import Embedder
from lossweep.experiments.metrics.metric import ClipMetric, MetricAbsent
from lossweep.experiments.metrics.sentences import sentences


class WordRecovery(ClipMetric):
    """Word recovery rate, exact and by cosine, word error rate and chrF; a missing word is a placeholder.

    Columns: `word_recovery`, words shown exactly as they were sent, a fraction; `word_recovery_cosine`, the mean
    over words of 1 for an exact one, 0 for a missing one, and for another word the cosine of the two words'
    all-MiniLM-L6-v2 embeddings (left out where that model is not installed); `wer`, word edits a word sent; `chrf`,
    sacrebleu's chrF2 in [0, 1].
    """

    name = "word_recovery"
    higher_is_better = True
    label = "word recovery rate"
    needs = "words"
    columns: tuple[str, ...] = ("word_recovery", "word_recovery_cosine", "wer", "chrf")
    opposite = ("wer",)

    def __init__(self, device: str = "cpu") -> None:
        super().__init__(device)
        self._embedder: Embedder | None = None
        try:
            self._embedder = Embedder(device)
        except MetricAbsent:
            self.columns = tuple(c for c in self.columns if c != "word_recovery_cosine")

    def score(self, reference: Clip, playback: Playback, truth: Truth) -> dict[str, float]:
        """A value for each of `columns`."""
        from sacrebleu.metrics import CHRF

        sent, marked, _ = sentences(reference, playback)
        shown = align_words(reference, playback)
        pairs = [(word.text, text) for word, text in zip(reference.words, shown, strict=True)]
        right = sum(a == b for a, b in pairs)
        row = {"word_recovery": right / len(pairs)}
        if self._embedder is not None:
            wrong = [(a, b) for a, b in pairs if b is not None and a != b]
            near = 0.0
            if wrong:
                original, shown = (self._embedder.of([pair[i] for pair in wrong]) for i in (0, 1))
                near = float((original * shown).sum())
            row["word_recovery_cosine"] = (right + near) / len(pairs)
        edits = sum(edit_distance(a.split(), b.split()) for a, b in zip(sent, marked, strict=True))
        row["wer"] = edits / len(pairs)
        row["chrf"] = CHRF().corpus_score(marked, [sent]).score / 100
        return row


def edit_distance(a: list[str], b: list[str]) -> int:
    """Fewest insertions, deletions and substitutions that turn `a` into `b` (Levenshtein)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        corner, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (x != y))
    return row[-1]
