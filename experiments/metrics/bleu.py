"""BLEU of the received words against the words sent."""

from __future__ import annotations

import math

from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.metrics.metric import ClipMetric
from lossweep.experiments.metrics.sentences import sentences


class Bleu(ClipMetric):
    """Corpus BLEU by sacrebleu, cumulative orders 1 to 4, in [0, 1].

    `bleu_n` is the brevity penalty times the geometric mean of the precisions of orders 1 to n; `bleu` is
    `bleu_4`, sacrebleu's default. Orders that no reference sentence is long enough for are left out of the mean, so
    that words received whole always score 1; sacrebleu itself gives 0 there.

    A sentence ends where a word of the reference ends in ".", "?" or "!", or after 60 words; n-grams do not cross
    sentences. A missing word is a placeholder that matches nothing; in the columns `_dropped` it is left out
    instead, and the brevity penalty counts it.

    Source: Papineni et al. 2002; Post 2018 (sacrebleu).
    """

    name = "bleu"
    higher_is_better = True
    label = "BLEU"
    needs = "words"
    _names = ("bleu", "bleu_1", "bleu_2", "bleu_3", "bleu_4")
    columns = (*_names, *(f"{name}_dropped" for name in _names))

    def score(self, reference: Clip, playback: Playback, truth: Truth) -> dict[str, float | str]:
        """A value for each of `columns`, and `bleu_signature` of sacrebleu."""
        from sacrebleu.metrics import BLEU

        sent, marked, dropped = sentences(reference, playback)
        metric = BLEU()
        defined = sum(total > 0 for total in metric.corpus_score(sent, [sent]).totals)
        row: dict[str, float | str] = {}
        for shown, suffix in ((marked, ""), (dropped, "_dropped")):
            result = metric.corpus_score(shown, [sent])
            for n in range(1, 5):
                orders = max(1, min(n, defined))
                product = math.prod(result.precisions[:orders])
                row[f"bleu_{n}{suffix}"] = result.bp * product ** (1 / orders) / 100
            row[f"bleu{suffix}"] = row[f"bleu_4{suffix}"]
        return {**row, "bleu_signature": str(metric.get_signature())}
