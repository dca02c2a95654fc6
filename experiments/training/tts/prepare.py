"""`python -m lossweep.experiments.training.tts.prepare --data DIR`: the corpus for training speech synthesis.

It holds sentences of DIR's lecture texts spoken by libespeak-ng in many voices, recorded clips of people, and with
`--grid-labels` sentences of one man. It is not shipped.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import LossweepError
from lossweep.endpoints.syncsc.face_model import EXPRESSION, FaceModel
from lossweep.endpoints.syncsc.semantics import Scaling, smooth
from lossweep.endpoints.tts.phonemes import to_phonemes
from lossweep.endpoints.tts.pitch import pitch
from lossweep.endpoints.tts.synthesizer import FRAME
from lossweep.endpoints.tts.viseme_regression import (
    VisemeRegression,
    best_lag,
    detrend,
    fit,
    viseme_features,
)
from lossweep.experiments.training.face import prepare as pictures
from lossweep.experiments.training.tts.corpus import INDEX, SCALE, Utterance
from lossweep.experiments.training.tts.recorded_clips import recorded_clips
from lossweep.experiments.training.tts.sound_lag import mouth_opening, sound_lag
from lossweep.experiments.training.tts.synthetic_utterances import synthesize_utterances
from lossweep.experiments.training.tts.viseme_fit import print_fit

RESIDUAL = 0.3, 1.0
"""Range of `residual_scale` for lips of synthetic speech. It is below 1 because the residual of real clips is partly
due to wrongly recognized phonemes."""


def main(argv: list[str] | None = None) -> int:
    """Makes the corpus; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lossweep.experiments.training.tts.prepare", description=__doc__
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with clips/ and text/")
    parser.add_argument(
        "--labels", type=Path, default=Path("build/syncsc"), help="made by training.face.prepare"
    )
    parser.add_argument("--grid-labels", type=Path, help="made by training.face.prepare --grid")
    parser.add_argument("--hours", type=float, default=3.0, help="of synthetic speech")
    parser.add_argument("--out", type=Path, default=Path("build/speech"))
    parser.add_argument(
        "--fit", action="store_true", help="fit the viseme model to the real clips and ship it"
    )
    args = parser.parse_args(argv)
    try:
        _prepare(args)
    except LossweepError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _prepare(args: argparse.Namespace) -> None:
    utterances, speech, hertz, lips = [], [], [], []

    def add(sound: NDArray, moved: NDArray, **what) -> None:
        utterances.append(Utterance(first=sum(map(len, speech)), samples=len(sound), **what))
        speech.append(np.round(sound * SCALE).astype(np.int16))
        hertz.append(pitch(sound))
        lips.append(moved.astype(np.float16))

    visemes = _real(args, add)
    for number, one in enumerate(synthesize_utterances(args.data, args.hours)):
        rng = np.random.default_rng(number)
        moved = visemes.lips(viseme_features(one.phonemes, one.speech), rng.uniform(*RESIDUAL), rng)
        what = {"words": one.words, "phonemes": one.phonemes, "receiver_phonemes": one.receiver_phonemes}
        who = {"speaker": one.speaker.name, "kind": "espeak", "held_out": one.speaker.held_out}
        add(one.speech, moved, name=str(number), **who, **what)
    args.out.mkdir(parents=True, exist_ok=True)
    for name, parts in (("speech", speech), ("pitch", hertz), ("lips", lips)):
        np.save(args.out / f"{name}.npy", np.concatenate(parts))
    (args.out / INDEX).write_text(json.dumps([asdict(u) for u in utterances]))


def _real(args: argparse.Namespace, add) -> VisemeRegression:
    """Adds the recorded clips; lips are shifted to their sound, those of people held out are not.

    All GRID sentences, held out or not, have one shift, measured on the training sentences by `sound_lag`.
    """
    tracked = _tracked(args.labels) | (_tracked(args.grid_labels) if args.grid_labels else {})
    clips, lips, features = [], [], []
    sentences: list[tuple[NDArray, NDArray]] = []
    for clip in recorded_clips(args.data):
        if clip.kind == "grid" and not args.grid_labels:
            continue
        seen = tracked[clip.person.file]
        frames = min(len(clip.speech) // FRAME, len(seen.opening))
        clips.append(replace(clip, speech=clip.speech[: frames * FRAME]))
        lips.append(detrend(seen.expressions[:frames]))
        if clip.kind == "grid" and not clip.person.held_out:
            sentences.append((seen.opening[:frames], clips[-1].speech))
        features.append(viseme_features(to_phonemes(clip.words), clips[-1].speech))
    late = sound_lag(sentences) if sentences else 0
    print(f"GRID's lips are {late} frames late, measured on {len(sentences)} sentences")
    lips = [_earlier(one, late) if c.kind == "grid" else one for c, one in zip(clips, lips, strict=True)]
    trained = [i for i, clip in enumerate(clips) if not clip.person.held_out]
    if args.fit:
        visemes, _ = fit([features[i] for i in trained], [lips[i] for i in trained])
        visemes.save()
    else:
        visemes = VisemeRegression.load()
    lags = {i: best_lag(visemes.weights, features[i], lips[i]) for i in trained if clips[i].kind == "real"}
    print("frames by which the lips of the other training clips are late, and of how many clips:")
    print(sorted(Counter(lags.values()).items()))
    if args.fit:
        print_fit(visemes, clips, features, lips)
    for i, (clip, moved) in enumerate(zip(clips, lips, strict=True)):
        who = {"name": clip.person.file, "speaker": clip.person.identity, "kind": clip.kind}
        placed = to_phonemes(clip.words)
        times = tuple((p.name, p.start_s, p.end_s) for p in placed)
        what = {"words": tuple((w.text or "", w.start_s, w.end_s) for w in clip.words), "phonemes": times}
        shown = _earlier(moved, lags.get(i, 0))
        add(clip.speech, shown, held_out=clip.person.held_out, receiver_phonemes=tuple(placed), **who, **what)
    return visemes


class Tracked(NamedTuple):
    """What the labels of a clip say of its lips: expressions as they are sent [frames, 6], mouth opening [frames]."""

    expressions: NDArray[np.float32]
    opening: NDArray[np.float32]


def _tracked(labels: Path) -> dict[str, Tracked]:
    """Of each labelled clip."""
    rows, model = pictures.load(labels), FaceModel.load()
    out = {}
    for clip in rows.clips:
        points = rows.points(clip.rows)
        identity, _ = model.fit(points[0])
        sent = Scaling.of(model).standardize(smooth(model.fit(points, identity)[1], model.scale))
        out[clip.file] = Tracked(sent[:, EXPRESSION], mouth_opening(points))
    return out


def _earlier(lips: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Lips shifted to be that many frames earlier; the first or last frame is repeated."""
    at = np.clip(np.arange(len(lips)) + frames, 0, len(lips) - 1)
    return lips[at]


if __name__ == "__main__":
    sys.exit(main())
