"""`python -m lossweep.experiments.training.tts.lips_worth --labels DIR`: what lips are worth to visual-guided speech.

Mel L1 (natural logarithm, frame by frame) of what is held out, with true word times and with each word moved by a
random time (Gaussian, 150 ms). The lips are the true ones, none, the mean (zeros that count as known), or those of
another utterance. Speech is synthesized as a receiver does it, with a look-ahead of 0.6 s, or with `--look-ahead inf`
from the whole timeline.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.channels.errors import LossweepError
from lossweep.endpoints.clip import SPEECH_RATE, Word
from lossweep.endpoints.tts.spectrum import mel
from lossweep.endpoints.tts.synthesizer import FPS, TRAINER, VOCODER_S, normalize_voice
from lossweep.endpoints.tts.visual import SHIPPED, Visual
from lossweep.endpoints.tts.visual_network import VisualNetwork
from lossweep.endpoints.tts.vocoder import load_vocoder
from lossweep.endpoints.weights import load
from lossweep.experiments.training.model_card import render
from lossweep.experiments.training.tts.corpus import Corpus, Utterance

MOST = 40
VOICE_S, OFF_S, LOOK_AHEAD_S = 3, 0.15, 0.6
CARD = SHIPPED.with_name("speech.json")
CAPTION = (
    "What the lips are worth to `visual` (`python -m lossweep.experiments.training.tts.lips_worth`): mel L1 on what is "
    "held out. Gain: by how much the error with true lips is below that without lips, with its 95 % "
    "interval over utterances."
)
TIMES = ("true", "off by 150 ms")
LIPS = ("true", "none", "mean", "other")


@dataclass(frozen=True)
class LipsWorth:
    """Mel L1 of some utterances, one value for each.

    Attributes:
        kind: of the utterances.
        look_ahead_s: in seconds; inf where the whole timeline was known.
        errors: (one of TIMES, one of LIPS) -> float64 [utterances].
    """

    kind: str
    look_ahead_s: float
    errors: Mapping[tuple[str, str], NDArray[np.float64]]

    def gain(self, times: str, without: str = "none") -> tuple[float, float]:
        """Share by which true lips lower the error, and half the width of its 95 % interval over utterances."""
        true, other = self.errors[times, "true"], self.errors[times, without]
        ratio = float(true.mean() / other.mean())
        spread = (true - ratio * other).std(ddof=1) / np.sqrt(len(true)) / other.mean()
        return 1 - ratio, 1.96 * float(spread)


def chosen(corpus: Corpus, kind: str, most: int = MOST) -> list[Utterance]:
    """At most that many utterances that are held out, evenly over the corpus."""
    some = [u for u in corpus.utterances if u.held_out and u.kind == kind and u.receiver_phonemes]
    return some[:: max(1, -(-len(some) // most))]


def voice_of(corpus: Corpus, u: Utterance) -> NDArray[np.float32]:
    """Voice reference: 3 s of another utterance of the speaker where there is one, else of this."""
    others = (o for o in corpus.utterances if o.speaker == u.speaker and o.name != u.name)
    return corpus.speech_of(next(others, u))[: VOICE_S * SPEECH_RATE]


def lips_worth(
    corpus: Corpus, utterances: Sequence[Utterance], synthesizer: Visual, look_ahead_s: float
) -> LipsWorth:
    """The errors of utterances of one kind, at least two."""

    def drawn(*given) -> Tensor:
        if math.isinf(look_ahead_s):
            return synthesizer.spectrogram(*given)[0]
        return synthesizer.live_spectrogram(*given, int((look_ahead_s - VOCODER_S) * FPS + 1e-9))[0]

    out: dict[tuple[str, str], list[float]] = {(times, lips): [] for times in TIMES for lips in LIPS}
    for number, u in enumerate(utterances):
        words = [Word(*w) for w in u.words]
        off = np.random.default_rng(number).normal(0, OFF_S, len(words))
        moved = [Word(w.text, w.start_s + by, w.end_s + by) for w, by in zip(words, off, strict=True)]
        moved.sort(key=lambda w: w.start_s)
        lips = corpus.lips_of(u)
        other = corpus.lips_of(utterances[number - 1])
        shown = {
            "true": lips,
            "none": None,
            "mean": np.zeros_like(lips),
            "other": np.resize(other, lips.shape),
        }
        voice, _ = normalize_voice(voice_of(corpus, u))
        true = mel(torch.from_numpy(corpus.speech_of(u)))
        for times, given in zip(TIMES, (words, moved), strict=True):
            for what, seen in shown.items():
                apart = drawn(given, seen, u.frames, voice) - true
                out[times, what].append(apart.abs().mean().item())
    return LipsWorth(
        utterances[0].kind, look_ahead_s, {case: np.array(values) for case, values in out.items()}
    )


def table(found: Sequence[tuple[str, LipsWorth]]) -> tuple[list[str], list[list[str | float]]]:
    """Header and rows for a card; `found` has a name for each row pair."""
    header = [
        "weights",
        "speech",
        "look-ahead, s",
        "word times",
        *(f"{lips} lips" for lips in LIPS),
        "gain over none, %",
        "+-",
    ]
    rows: list[list[str | float]] = []
    for name, worth in found:
        speech = f"{worth.kind}, {len(next(iter(worth.errors.values())))}"
        for times in TIMES:
            means = [float(worth.errors[times, lips].mean()) for lips in LIPS]
            gain, half = (100 * value for value in worth.gain(times))
            rows.append([name, speech, f"{worth.look_ahead_s:g}", times, *means, gain, half])
    return header, rows


def write_card(header: Sequence[str], rows: Sequence[Sequence[str | float]], card: Path = CARD) -> None:
    """Puts the table into the card's JSON file, in place of an earlier one or last, and renders the page."""
    figures = json.loads(card.read_text(encoding="utf-8"))
    ours = {"caption": CAPTION, "header": header, "rows": rows}
    others = [one for one in figures["tables"] if one["caption"] != CAPTION]
    figures["tables"] = [*others, ours]
    card.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    render(card)


def main(argv: list[str] | None = None) -> int:
    """Prints the table of some weight files; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lossweep.experiments.training.tts.lips_worth", description=__doc__
    )
    parser.add_argument("weights", nargs="*", type=Path, default=[SHIPPED], help="visual.safetensors files")
    parser.add_argument("--labels", type=Path, default=Path("build/speech"), help="the corpus")
    parser.add_argument("--kinds", nargs="+", default=["grid", "real", "espeak"], help="kinds of speech")
    parser.add_argument(
        "--card", action="store_true", help="write the table into the card of the weights that ship"
    )
    parser.add_argument("--look-ahead", type=float, default=LOOK_AHEAD_S, help="in seconds, or inf")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    try:
        corpus = Corpus.load(args.labels)
        found = []
        for path in args.weights:
            synthesizer = Visual(load(path, "visual", VisualNetwork(), TRAINER), load_vocoder("own", "cpu"))
            name = "these" if path == SHIPPED else path.stem
            for kind in args.kinds:
                found.append((name, lips_worth(corpus, chosen(corpus, kind), synthesizer, args.look_ahead)))
    except LossweepError as error:
        print(error, file=sys.stderr)
        return 2
    header, rows = table(found)
    for row in [header, *rows]:
        print(" | ".join(f"{value:.3f}" if isinstance(value, float) else value for value in row))
    if args.card:
        write_card(header, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
