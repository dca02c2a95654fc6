"""`python results/av_loss/word_order.py`: why BLEU of text without a code differs between lossweep 0.1 and 0.2.

A window's words are sent in a random order. 0.1 drew it from the number of the window, 0.2 draws it from the number of
its first word; so the same lost packets carry other words. Prints Markdown: BLEU at 50 % loss with either order, and
its distribution over all losses of as many words.
"""

from dataclasses import replace

import numpy as np

from lossweep.endpoints.clip import Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.endpoints.text.interleaving import order
from lossweep.experiments.evaluator import Evaluator
from lossweep.experiments.metrics.bleu import Bleu
from lossweep.experiments.scenario_file import read

WINDOW, DRAWS, TICK_S = 6, 1500, 0.002


def bleu(clip, gone) -> float:
    """BLEU of a clip's words without those that are gone, bool [words]."""
    words = tuple(replace(w, text=None) if lost else w for w, lost in zip(clip.words, gone, strict=True))
    return float(Bleu().score(clip, Playback(replace(clip, words=words)), Truth())["bleu"])


def old_order(gone):
    """The words that 0.1 lost with the packets in which 0.2 lost `gone`."""
    found = np.zeros_like(gone)
    for window, first in enumerate(range(0, len(gone), WINDOW)):
        words = min(WINDOW, len(gone) - first)
        lost_packets = gone[first + order(first, words)]
        found[first + np.random.default_rng([0x7E87, window]).permutation(words)] = lost_packets
    return found


def main() -> None:
    """Prints the table and the distribution."""
    evaluator, rng, lost = Evaluator([]), np.random.default_rng(1), []
    print("| loss pattern | words lost | BLEU, order of 0.1 | BLEU, order of 0.2 |\n|---|---|---|---|")
    for cell in read("av_loss").cells():
        if (
            cell.endpoint.name != "text"
            or cell.code.name != "none"
            or cell.channel.options["loss_rate"] != 0.5
        ):
            continue
        clip, shown = evaluator.restore(cell)
        there = np.array([word.start_s for word in shown.clip.words if word.text is not None])
        gone = np.array([np.abs(there - word.start_s).min() > TICK_S for word in clip.words])
        lost.append(int(gone.sum()))
        values = f"{bleu(clip, old_order(gone)):.3f} | {bleu(clip, gone):.3f}"
        print(f"| {cell.repetition + 1} | {lost[-1]} of {len(gone)} | {values} |")

    def drawn(count):
        return np.isin(np.arange(len(gone)), rng.choice(len(gone), count, replace=False))

    means = [np.mean([bleu(clip, drawn(count)) for count in lost]) for _ in range(DRAWS)]
    low, high = np.quantile(means, (0.025, 0.975))
    print(
        f"\nMean of the patterns over {DRAWS} draws: {np.mean(means):.3f}, 95 % within {low:.3f} and {high:.3f}."
    )


if __name__ == "__main__":
    main()
