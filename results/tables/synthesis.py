"""`python results/tables/synthesis.py [NAME ...]`: what each synthesizer makes of words, lips and voice held out.

On what is held out of build/speech, at most 16 utterances of each kind: GRID sentences, clips of people, espeak. Voice
reference: 3 s of another utterance of the speaker where there is one. A NAME that ends in `.safetensors` is `visual`
with those weights. `visual` with other lips is measured by `python -m lossweep.experiments.training.tts.lips_worth`.
"""

from __future__ import annotations

import argparse
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
from lossweep.endpoints.tts.synthesizer import SYNTHESIZERS, TRAINER, Synthesizer
from lossweep.endpoints.tts.visual import Visual
from lossweep.endpoints.tts.visual_network import VisualNetwork
from lossweep.endpoints.tts.vocoder import load_vocoder
from lossweep.endpoints.weights import load
from lossweep.experiments.metrics.dnsmos import Dnsmos
from lossweep.experiments.metrics.mcd import Mcd
from lossweep.experiments.metrics.recognition import normalize_words
from lossweep.experiments.metrics.stoi import Stoi
from lossweep.experiments.metrics.word_recovery import edit_distance
from lossweep.experiments.training.tts.corpus import Corpus
from lossweep.experiments.training.tts.lips_worth import chosen, voice_of

MOST = 16
COLUMNS = ("mel L1", "mcd", "mcd_dtw", "stoi", "dnsmos", "median F0 off, semitones", "voicing wrong")


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


def voice(name: str) -> Synthesizer:
    """The synthesizer of a name, or `visual` with the weights of a file."""
    if not name.endswith(".safetensors"):
        return SYNTHESIZERS.get(name).load()
    return Visual(load(Path(name), "visual", VisualNetwork(), TRAINER), load_vocoder("own", "cpu"))


def main() -> None:
    """Prints a line for each synthesizer and kind of speech."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="synthesizers or weights; without a name all")
    parser.add_argument("--recognizer", default=DEFAULT, help="or a folder with a Whisper model")
    args = parser.parse_args()
    torch.set_num_threads(1)
    corpus, ears = Corpus.load(Path("build/speech")), recognizer(args.recognizer)
    for name in args.names or SYNTHESIZERS.names():
        synthesizer = voice(name)
        for kind in ("grid", "real", "espeak"):
            rows, errors, spent, seconds = [], np.zeros(3), 0.0, 0.0
            for u in chosen(corpus, kind, MOST):
                words = [Word(*w) for w in u.words]
                start = time.process_time()
                made = synthesizer.speak(words, corpus.lips_of(u), u.frames, voice_of(corpus, u))
                spent, seconds = spent + time.process_time() - start, seconds + len(made) / SPEECH_RATE
                spoken = corpus.speech_of(u)
                rows.append(row(spoken, made))
                said = normalize_words(" ".join(w.text or "" for w in words))
                heard = (
                    normalize_words(" ".join(w.text or "" for w in ears.words(x))) for x in (made, spoken)
                )
                errors += [*(edit_distance(said, one) for one in heard), len(said)]
            figures = ", ".join(f"{c} {v:.3f}" for c, v in zip(COLUMNS, np.nanmean(rows, 0), strict=True))
            print(
                f"{name}, {kind}, {len(rows)}: {figures}, WER by {ears.label} {errors[0] / errors[2]:.3f}",
                end="",
            )
            print(f" (original {errors[1] / errors[2]:.3f}), {spent / seconds:.3f} s a second", flush=True)


if __name__ == "__main__":
    main()
