"""`python results/text_bleu/word_ends.py`: what a receiver that does not know where words end costs the voice.

The visual voice speaks the words of the built-in clip (measured times) and of clips of people (times by Whisper,
$LOSSWEEP_DATA/words_whisper.json) with their lips, all words there. Ends of words are the true ones; those of the rule
in `lossweep.endpoints.text.word_ends`; the next word's start; or durations of 4 or 3 bits on a logarithmic scale from 60 ms
to 1.2 s. Mean over clips, and the 95 % interval of the difference from the true ends, clip by clip.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t as student

from lossweep.endpoints.clip import SPEECH_RATE, Clip, Playback, Word
from lossweep.endpoints.endpoint import Truth
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.syncsc.endpoint import SyncSCEndpoint, SyncSCParams
from lossweep.endpoints.text.word_ends import ends_s
from lossweep.endpoints.tts.spectrum import mel
from lossweep.endpoints.tts.voice import VoiceParams, speak, voice_session
from lossweep.experiments.clips import load_clips
from lossweep.experiments.metrics.mcd import Mcd
from lossweep.experiments.metrics.stoi import Stoi

CLIPS = (
    "001_SadTalker_aoc 004_SadTalker_katiehill 012_videoretalking_face1 013_videoretalking_face2 "
    "014_videoretalking_face4 022_LatentSync_demo3 042_styletalk_obama2 051_styletalk_feifeili2 053_styletalk_reagan"
).split()
SHORTEST_S, LONGEST_S = 0.06, 1.2
COLUMNS = ("end off, ms", "mel L1", "MCD", "STOI")


def clips() -> list[Clip]:
    """The built-in clip, and those of people with Whisper's words."""
    data = Path(os.environ["LOSSWEEP_DATA"])
    known = json.loads((data / "words_whisper.json").read_text())
    out = [load_clips("portrait")[0]]
    for name in CLIPS:
        (clip,) = load_clips(str(data / "clips" / f"{name}.mp4"), size=256, seconds=8)
        heard = known[f"clips/{name}.mp4"]["words"]
        words = [Word(w["word"], w["start"], w["end"]) for w in heard if w["end"] <= clip.duration_s]
        out.append(replace(clip, words=tuple(words)))
    return out


def coded(words: tuple[Word, ...], bits: int) -> NDArray[np.float64]:
    """Ends by durations of so many bits, evenly spaced in their logarithm."""
    step = np.log(LONGEST_S / SHORTEST_S) / (2**bits - 1)
    durations = np.array([max(word.end_s - word.start_s, SHORTEST_S) for word in words])
    level = np.clip(np.round(np.log(durations / SHORTEST_S) / step), 0, 2**bits - 1)
    return np.array([word.start_s for word in words]) + SHORTEST_S * np.exp(level * step)


def variants(words: tuple[Word, ...]) -> dict[str, NDArray[np.float64]]:
    """Ends of the words, by how the receiver knows them."""
    starts = np.array([word.start_s for word in words])
    true = np.array([word.end_s for word in words])
    return {
        "true": true,
        "rule": ends_s([word.text for word in words], starts),
        "next start": np.append(starts[1:], true[-1:]),
        "4 bits": coded(words, 4),
        "3 bits": coded(words, 3),
    }


def main() -> None:
    """Prints a line for each way of knowing the ends."""
    torch.set_num_threads(1)
    rows: dict[str, list[list[float]]] = {}
    for clip in clips():
        semantics = SyncSCEndpoint(SyncSCParams(faces="largest"), NoCode()).encode(clip).truth.semantics
        voice = voice_session(VoiceParams(name="visual"), clip)
        spoken = clip.speech[: round(len(clip.video) / clip.fps * SPEECH_RATE)]
        for name, ends in variants(clip.words).items():
            words = tuple(replace(w, end_s=float(e)) for w, e in zip(clip.words, ends, strict=True))
            made = speak(Playback(Clip("made", clip.video, clip.fps, words=words), semantics=semantics), voice)
            made = np.pad(made[: len(spoken)], (0, max(0, len(spoken) - len(made))))
            pair = Clip("said", speech=spoken), Playback(Clip("made", speech=made)), Truth()
            apart = (mel(torch.from_numpy(spoken)) - mel(torch.from_numpy(made))).abs().mean().item()
            off = 1000 * float(np.mean(np.abs(ends - [w.end_s for w in clip.words])))
            scores = Mcd().score(*pair) | Stoi().score(*pair)
            rows.setdefault(name, []).append([off, apart, scores["mcd"], scores["stoi"]])
        print(clip.name, len(clip.words), {name: np.round(of[-1], 3).tolist() for name, of in rows.items()}, flush=True)
    true = np.array(rows["true"])
    width = student.ppf(0.975, len(true) - 1) / np.sqrt(len(true))
    for name, of in rows.items():
        apart = np.array(of) - true
        figures = (
            f"{column} {mean:.3f} ({gain:+.3f} ± {width * spread:.3f})"
            for column, mean, gain, spread in zip(
                COLUMNS, np.mean(of, 0), apart.mean(0), apart.std(0, ddof=1), strict=True
            )
        )
        print(f"{name}: {', '.join(figures)}")


if __name__ == "__main__":
    main()
