"""`python results/tables/known_voices.py NAME ... --data DIR`: are synthesizers understood in voices of their training?

Sentences that no training had, spoken by voices of espeak-ng that every training had. A synthesizer gets the words,
their times and another sentence of the voice; no lips. One line for each NAME: word error rate, and that of espeak.
"""

from __future__ import annotations

import argparse
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from lossweep.endpoints.asr.recognizer import DEFAULT, recognizer
from lossweep.endpoints.clip import SPEECH_RATE, Word
from lossweep.endpoints.tts.synthesizer import FRAME, SYNTHESIZERS
from lossweep.experiments.metrics.recognition import normalize_words
from lossweep.experiments.metrics.word_recovery import edit_distance
from lossweep.experiments.training.tts.synthetic_utterances import (
    SyntheticUtterance,
    say,
    sentences,
    speakers,
)

VOICES, REFERENCE_S, FIRST = 20, 3, 900_000
"""FIRST: random numbers of a sentence, above those of all training sentences."""


def pairs(data: Path) -> list[tuple[SyntheticUtterance, SyntheticUtterance]]:
    """Two sentences of each voice; a voice with a sentence that is too short or too long is left out."""
    _, new = sentences(data)
    known = [speaker for speaker in speakers() if not speaker.held_out]
    some = known[:: len(known) // VOICES][:VOICES]
    tasks = [(FIRST + i, some[i // 2], 1) for i in range(2 * VOICES)]
    with get_context("spawn").Pool(1) as pool:
        spoken = pool.map(partial(say, (new, new)), tasks)
    both = zip(spoken[::2], spoken[1::2], strict=True)
    return [(one, other) for one, other in both if one is not None and other is not None]


def main() -> None:
    """Prints the lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", help="synthesizers")
    parser.add_argument("--data", type=Path, required=True, help="folder with text/")
    parser.add_argument("--recognizer", default=DEFAULT, help="or a folder with a Whisper model")
    args = parser.parse_args()
    torch.set_num_threads(1)
    ears, spoken = recognizer(args.recognizer), pairs(args.data)
    for name in args.names:
        synthesizer, wrong = SYNTHESIZERS.get(name).load(), np.zeros(3)
        for one, other in spoken:
            words, frames = [Word(*w) for w in one.words], len(one.speech) // FRAME
            voice = other.speech[: REFERENCE_S * SPEECH_RATE]
            made = synthesizer.speak(words, np.zeros((frames, 6), np.float32), frames, voice)
            said = normalize_words(" ".join(w.text or "" for w in words))
            heard = (
                normalize_words(" ".join(w.text or "" for w in ears.words(x))) for x in (made, one.speech)
            )
            wrong += [*(edit_distance(said, words) for words in heard), len(said)]
        print(
            f"{name}, {len(spoken)} sentences, {wrong[2]:.0f} words: WER by {ears.label} "
            f"{wrong[0] / wrong[2]:.3f} (espeak {wrong[1] / wrong[2]:.3f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
