"""How many words are right, in place (recovery) and after alignment (WER), and chrF."""

from __future__ import annotations

from endpoints.clip import Clip, Received
from experiments.metrics.sentences import sentences


class WordRecovery:
    """Word recovery rate, word error rate and chrF; a missing word is a placeholder.

    Columns: `word_recovery`, words shown exactly as they were sent, a fraction; `wer`, word edits a word
    sent; `chrf`, sacrebleu's chrF2 in [0, 1].
    """

    name = "word_recovery"
    higher_is_better = True
    label = "word recovery rate"
    needs = "words"
    columns = ("word_recovery", "wer", "chrf")

    def __init__(self, device: str = "cpu") -> None:
        del device

    def score(self, reference: Clip, received: Received) -> dict[str, float]:
        """A value for each of `columns`."""
        from sacrebleu.metrics import CHRF

        sent, marked, _ = sentences(reference, received)
        right = [w.text == r.text for w, r in zip(reference.words, received.clip.words, strict=True)]
        edits = sum(edit_distance(a.split(), b.split()) for a, b in zip(sent, marked, strict=True))
        return {
            "word_recovery": sum(right) / len(right),
            "wer": edits / len(right),
            "chrf": CHRF().corpus_score(marked, [sent]).score / 100,
        }


def edit_distance(a: list[str], b: list[str]) -> int:
    """Fewest insertions, deletions and substitutions that turn `a` into `b` (Levenshtein)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        corner, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (x != y))
    return row[-1]
