"""How words are chosen, on the validation lectures: `python results/text_bleu/ablation.py` writes ablation.csv."""

from pathlib import Path

import numpy as np
import pandas as pd

from lossweep.endpoints.clip import Clip, Playback, Word
from lossweep.endpoints.endpoint import Truth
from lossweep.endpoints.text.concealment import window_slices
from lossweep.endpoints.text.mbr_decoding import WORD_WEIGHT, MbrDecoder, breaks_before
from lossweep.endpoints.text.ngram import NGram
from lossweep.endpoints.text.textpc import TextPC
from lossweep.endpoints.text.vocabulary import MASK
from lossweep.endpoints.text.word_forms import compose
from lossweep.experiments.check import check
from lossweep.experiments.evaluator import Evaluator
from lossweep.experiments.training.text.corpus import VALIDATION_LECTURES

HERE = Path(__file__).parent
LOSSES = (0.6, 0.8, 0.9)
TRANSCRIPTS = "$LOSSWEEP_DATA/text/chemistry_lectures_timed.tsv"


def scenario():
    """RS 1/2 without concealment over the validation lectures."""
    return check(
        {
            "name": "ablation",
            "seed": 2408,
            "clip": [f"{TRANSCRIPTS}#lecture-{n}-" for n in VALIDATION_LECTURES],
            "endpoint": {"name": "text"},
            "code": {"name": "rs", "code_rate": 0.5},
            "channel": {"name": "bernoulli", "loss_rate": list(LOSSES)},
            "metrics": ["bleu", "semantic_similarity"],
        }
    )


def fillings(filler: TextPC, words: list, windows: np.ndarray) -> dict[str, list]:
    """The words with the missing ones filled in, by how they were chosen."""
    ids, casing_punct = filler.vocabulary.encode(words)
    gaps, breaks = np.flatnonzero(ids == MASK), breaks_before(casing_punct, ids == MASK)
    choosers = {
        "minimum Bayes risk, equal word weights": MbrDecoder(filler.vocabulary, word_weight=0.0),
        "minimum Bayes risk, rare words weigh more (shipped)": MbrDecoder(filler.vocabulary),
        "minimum Bayes risk, rare words weigh still more": MbrDecoder(
            filler.vocabulary, word_weight=4 * WORD_WEIGHT
        ),
    }
    filled = {name: list(words) for name in ("missing", "most probable word", *choosers)}
    for places, probabilities, forms in filler.distributions(ids, casing_punct, windows, gaps):
        for place, p, form in zip(places, probabilities, forms, strict=True):
            surface = filler.vocabulary.surfaces[int(p.argmax())]
            filled["most probable word"][place] = compose(surface, int(form.argmax()))
        broken = breaks[np.searchsorted(gaps, places)]
        for part in window_slices(windows[places]):
            for name, decoder in choosers.items():
                chosen = decoder.decode(probabilities[part], forms[part], broken[part])
                for place, word in zip(places[part], chosen, strict=True):
                    filled[name][place] = word
    filled["n-gram concealment, same rule as shipped"] = NGram().fill(words, windows)
    return filled


def main() -> None:
    """Measures every way at every loss rate, both lectures together as mean."""
    cells = list(scenario().cells())
    bench, filler, rows = Evaluator(["bleu", "semantic_similarity"]), TextPC(), []
    for cell in cells:
        clip, received = bench.restore(cell)
        _, stream = bench.stream(cell)
        windows = np.repeat(np.arange(len(stream.blocks)), [block.code.k for block in stream.blocks])
        words = [word.text for word in received.clip.words]
        for name, filled in fillings(filler, words, windows).items():
            times = ((word.start_s, word.end_s) for word in clip.words)
            said = tuple(Word(text, *time) for text, time in zip(filled, times, strict=True))
            shown = Playback(Clip(clip.name, words=said))
            scores = {}
            for metric in bench.scores.metrics.values():
                scores |= metric.score(clip, shown, Truth())
            kept = {key: scores[key] for key in ("bleu_1", "bleu_4", "semantic_similarity")}
            rows.append(
                {"loss_rate": cell.channel.options["loss_rate"], "clip": clip.name, "choice": name, **kept}
            )
            print(rows[-1], flush=True)
    pd.DataFrame(rows).to_csv(HERE / "ablation.csv", index=False)


if __name__ == "__main__":
    main()
