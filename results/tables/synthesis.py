"""`python results/tables/synthesis.py [NAME ...]`: what each synthesizer makes of words, lips and voice held out.

On speakers held out of build/speech: 16 utterances of espeak (voice reference: 3 s of another utterance) and the 11
clips of people (voice reference: their first 3 s; words as they were aligned or recognized). For `visual` also: word
times off by 150 ms, with the lips, without, and with lips of another moment.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lossweep.endpoints.asr.recognizer import DEFAULT, recognizer
from lossweep.endpoints.clip import SPEECH_RATE, Clip, Playback, Word
from lossweep.endpoints.endpoint import Truth
from lossweep.endpoints.tts.pitch import pitch
from lossweep.endpoints.tts.spectrum import mel
from lossweep.endpoints.tts.synthesizer import SYNTHESIZERS, normalize_voice
from lossweep.experiments.metrics.dnsmos import Dnsmos
from lossweep.experiments.metrics.mcd import Mcd
from lossweep.experiments.metrics.stoi import Stoi
from lossweep.experiments.metrics.word_recovery import edit_distance
from lossweep.experiments.training.tts.corpus import Corpus, Utterance

MOST, VOICE_S, OFF_S = 16, 3, 0.15
COLUMNS = ("mel L1", "mcd", "mcd_dtw", "stoi", "dnsmos", "median F0 off, semitones", "voicing wrong")


def chosen(corpus: Corpus, kind: str) -> list[Utterance]:
    """Utterances of speakers held out, evenly over the corpus."""
    some = [u for u in corpus.utterances if u.held_out and u.kind == kind]
    return some[:: max(1, len(some) // MOST)][:MOST]


def voice_of(corpus: Corpus, u: Utterance) -> NDArray[np.float32]:
    """Voice reference."""
    others = (o for o in corpus.utterances if o.speaker == u.speaker and o.name != u.name)
    other = u if u.kind == "real" else next(others, u)
    return corpus.speech_of(other)[: VOICE_S * SPEECH_RATE]


def row(spoken: NDArray[np.float32], made: NDArray[np.float32]) -> list[float]:
    """A value for each of COLUMNS."""
    pair = Clip("said", speech=spoken), Playback(Clip("made", speech=made)), Truth()
    scores = {
        name: value for metric in (Mcd(), Stoi(), Dnsmos()) for name, value in metric.score(*pair).items()
    }
    one, other = pitch(spoken), pitch(made)
    apart = (mel(torch.from_numpy(spoken)) - mel(torch.from_numpy(made))).abs().mean().item()
    off = (
        np.nan
        if not other.any()
        else 12 * abs(np.log2(np.median(one[one > 0]) / np.median(other[other > 0])))
    )
    wrong = float(((one > 0) != (other > 0)).mean())
    return [apart, *(scores[name] for name in ("mcd", "mcd_dtw", "stoi", "dnsmos")), off, wrong]


def lips_matter(corpus: Corpus, utterances: list[Utterance], synthesizer) -> dict[str, float]:
    """Mel L1 by what the words' times and the lips are."""
    out: dict[str, list[float]] = {}
    for u in utterances:
        words = [Word(*w) for w in u.words]
        off = np.random.default_rng(1).normal(0, OFF_S, len(words))
        moved = [Word(w.text, w.start_s + by, w.end_s + by) for w, by in zip(words, off, strict=True)]
        moved.sort(key=lambda w: w.start_s)
        lips = corpus.lips_of(u)
        voice, _ = normalize_voice(voice_of(corpus, u))
        true = mel(torch.from_numpy(corpus.speech_of(u)))
        for times, given in (("times right", words), ("times off", moved)):
            for seen, shown in (
                ("lips", lips),
                ("none", None),
                ("other lips", np.roll(lips, len(lips) // 2, 0)),
            ):
                drawn, _ = synthesizer.spectrogram(given, shown, u.frames, voice)
                out.setdefault(f"{times}, {seen}", []).append((drawn - true).abs().mean().item())
    return {name: float(np.mean(values)) for name, values in out.items()}


def main(names: list[str]) -> None:
    """Prints a line for each synthesizer and kind of speech."""
    torch.set_num_threads(1)
    corpus, ears = Corpus.load(Path("build/speech")), recognizer(DEFAULT)
    for name in names or SYNTHESIZERS.names():
        synthesizer = SYNTHESIZERS.get(name).load()
        for kind in ("espeak", "real"):
            rows, errors, spent, seconds = [], np.zeros(3), 0.0, 0.0
            for u in chosen(corpus, kind):
                words = [Word(*w) for w in u.words]
                start = time.process_time()
                made = synthesizer.speak(words, corpus.lips_of(u), u.frames, voice_of(corpus, u))
                spent, seconds = spent + time.process_time() - start, seconds + len(made) / SPEECH_RATE
                spoken = corpus.speech_of(u)
                rows.append(row(spoken, made))
                said = [re.sub(r"[^a-z']", "", w.text.lower()) for w in words]
                heard = ([w.text for w in ears.words(x)] for x in (made, spoken))
                errors += [*(edit_distance(said, one) for one in heard), len(said)]
            figures = ", ".join(f"{c} {v:.3f}" for c, v in zip(COLUMNS, np.nanmean(rows, 0), strict=True))
            print(f"{name}, {kind}, {len(rows)}: {figures}, wer {errors[0] / errors[2]:.3f}", end="")
            print(f" (original {errors[1] / errors[2]:.3f}), {spent / seconds:.3f} s a second", flush=True)
            if synthesizer.follows_lips:
                matter = lips_matter(corpus, chosen(corpus, kind), synthesizer)
                print(
                    "  mel L1: " + ", ".join(f"{what} {value:.3f}" for what, value in matter.items()),
                    flush=True,
                )


if __name__ == "__main__":
    main(sys.argv[1:])
