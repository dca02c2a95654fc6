"""`python results/text_bleu/word_ends.py`: what a receiver that does not know where words end costs the voice.

The visual voice speaks the words of clips with their lips, all words there. Ends of words are the true ones; those of
the rule in `lossweep.endpoints.text.word_ends`; the next word's start; or durations of 4 or 3 bits on the scale of
`lossweep.endpoints.text.payload`. Clips: the built-in one (exact times); 8 sentences of GRID's speaker 1 (times by
forced alignment, $LOSSWEEP_DATA/grid_s1); people ($LOSSWEEP_DATA/clips, times by Whisper, rough). Prints Markdown: the
mean over clips, and the mean difference from the true ends with its 95 % interval, clip by clip.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
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
from lossweep.endpoints.text.payload import LONGEST_S, SHORTEST_S
from lossweep.endpoints.text.word_ends import ends_s
from lossweep.endpoints.tts.spectrum import mel
from lossweep.endpoints.tts.voice import VoiceParams, speak, voice_session
from lossweep.experiments.clips import load_clips
from lossweep.experiments.metrics.mcd import Mcd
from lossweep.experiments.metrics.stoi import Stoi

PEOPLE = [
    "001_SadTalker_aoc",
    "004_SadTalker_katiehill",
    "012_videoretalking_face1",
    "013_videoretalking_face2",
    "014_videoretalking_face4",
    "022_LatentSync_demo3",
    "042_styletalk_obama2",
    "051_styletalk_feifeili2",
    "053_styletalk_reagan",
]
SENTENCES, GRID_TICKS = 8, 25_000
COLUMNS = ("end off, ms", "mel L1", "MCD", "STOI")


def sets() -> Iterator[tuple[str, list[Clip]]]:
    """Clips with words, by how exact their times are."""
    data = Path(os.environ["LOSSWEEP_DATA"])
    yield "built-in clip", [load_clips("portrait")[0]]
    grid = [_grid(path) for path in sorted((data / "grid_s1").glob("*.mp4"))[::3][:SENTENCES]]
    yield "GRID, forced alignment", grid
    heard = json.loads((data / "words_whisper.json").read_text())
    yield "people, Whisper's times", [_person(data, name, heard) for name in PEOPLE]


def _grid(path: Path) -> Clip:
    (clip,) = load_clips(str(path), size=256)
    lines = (path.parent / "align" / f"{path.stem}.align").read_text().split("\n")
    rows = [line.split() for line in lines if line and line.split()[2] not in ("sil", "sp")]
    words = [Word(text, int(a) / GRID_TICKS, int(b) / GRID_TICKS) for a, b, text in rows]
    return replace(clip, words=tuple(words))


def _person(data: Path, name: str, heard: dict) -> Clip:
    (clip,) = load_clips(str(data / "clips" / f"{name}.mp4"), size=256, seconds=8)
    words = [Word(w["word"], w["start"], w["end"]) for w in heard[f"clips/{name}.mp4"]["words"]]
    return replace(clip, words=tuple(word for word in words if word.end_s <= clip.duration_s))


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


def measured(clip: Clip) -> dict[str, list[float]]:
    """A value for each of COLUMNS, by how the receiver knows the ends."""
    semantics = SyncSCEndpoint(SyncSCParams(faces="largest"), NoCode()).encode(clip).truth.semantics
    voice = voice_session(VoiceParams(name="visual"), clip)
    spoken = clip.speech[: round(len(clip.video) / clip.fps * SPEECH_RATE)]
    out = {}
    for name, ends in variants(clip.words).items():
        words = tuple(replace(w, end_s=float(e)) for w, e in zip(clip.words, ends, strict=True))
        made = speak(Playback(Clip("made", clip.video, clip.fps, words=words), semantics=semantics), voice)
        made = np.pad(made[: len(spoken)], (0, max(0, len(spoken) - len(made))))
        pair = Clip("said", speech=spoken), Playback(Clip("made", speech=made)), Truth()
        apart = (mel(torch.from_numpy(spoken)) - mel(torch.from_numpy(made))).abs().mean().item()
        off = 1000 * float(np.mean(np.abs(ends - [w.end_s for w in clip.words])))
        scores = Mcd().score(*pair) | Stoi().score(*pair)
        out[name] = [off, apart, scores["mcd"], scores["stoi"]]
    return out


def main() -> None:
    """Prints a table for each set of clips."""
    torch.set_num_threads(1)
    for title, clips in sets():
        rows = [measured(clip) for clip in clips]
        print(
            f"\n{title}, {len(clips)}:\n\n| ends | {' | '.join(COLUMNS)} |\n|{' --- |' * (len(COLUMNS) + 1)}"
        )
        true = np.array([row["true"] for row in rows])
        for name in rows[0]:
            of = np.array([row[name] for row in rows])
            apart = (of - true)[:, 1:]
            spread = [""] * apart.shape[1]
            if len(of) > 1:
                width = student.ppf(0.975, len(of) - 1) / np.sqrt(len(of)) * apart.std(0, ddof=1)
                spread = [f" ± {w:.3f}" for w in width]
            cells = [
                f"{mean:.3f}" + (f" ({gain:+.3f}{s})" if name != "true" else "")
                for mean, gain, s in zip(of.mean(0)[1:], apart.mean(0), spread, strict=True)
            ]
            print(f"| {name} | {of.mean(0)[0]:.0f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
