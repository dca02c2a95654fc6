"""`python -m lossweep.experiments.training.tts.prepare --data DIR`: the corpus for training speech synthesis.

It holds sentences of DIR's lecture texts spoken by libespeak-ng in many voices, and recorded clips of people. It
is not shipped.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import LossweepError
from lossweep.endpoints.syncsc.face_model import EXPRESSION, FaceModel
from lossweep.endpoints.syncsc.semantics import Scaling, smooth
from lossweep.endpoints.tts.phonemes import to_phonemes
from lossweep.endpoints.tts.pitch import pitch
from lossweep.endpoints.tts.synthesizer import FRAME
from lossweep.endpoints.tts.viseme_regression import (
    MAX_LAG,
    VisemeRegression,
    best_lag,
    detrend,
    fit,
    viseme_features,
)
from lossweep.experiments.training.face import prepare as pictures
from lossweep.experiments.training.tts.alignment import align_words
from lossweep.experiments.training.tts.corpus import INDEX, SCALE, Utterance
from lossweep.experiments.training.tts.recorded_clips import RecordedClip, recorded_clips
from lossweep.experiments.training.tts.synthetic_utterances import synthesize_utterances

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
    """Adds the recorded clips; lips of training clips are shifted to their sound."""
    tracked = _tracked(args.labels)
    clips, lips, words, features = [], [], [], []
    for clip in recorded_clips(args.data):
        frames = min(len(clip.speech) // FRAME, len(tracked[clip.person.file]))
        clip = RecordedClip(clip.person, clip.speech[: frames * FRAME], clip.transcript)
        clips.append(clip)
        lips.append(detrend(tracked[clip.person.file][:frames]))
        words.append(align_words(clip.speech, clip.transcript))
        features.append(viseme_features(to_phonemes(words[-1]), clip.speech))
    trained = [i for i, clip in enumerate(clips) if not clip.person.held_out]
    if args.fit:
        visemes, late = fit([features[i] for i in trained], [lips[i] for i in trained])
        visemes.save()
        print("frames by which the lips of the training clips are late:", late)
        _print_fit(visemes, clips, features, lips)
    else:
        visemes = VisemeRegression.load()
    for clip, moved, spoken_words, known in zip(clips, lips, words, features, strict=True):
        who = {"name": clip.person.file, "speaker": clip.person.identity, "kind": "real"}
        placed = to_phonemes(spoken_words)
        times = tuple((p.name, p.start_s, p.end_s) for p in placed)
        what = {"words": tuple((w.text or "", w.start_s, w.end_s) for w in spoken_words), "phonemes": times}
        if not clip.person.held_out:
            moved = _earlier(moved, best_lag(visemes.weights, known, moved))
        add(clip.speech, moved, held_out=clip.person.held_out, receiver_phonemes=tuple(placed), **who, **what)
    return visemes


def _tracked(labels: Path) -> dict[str, NDArray[np.float32]]:
    """The expressions of each labelled clip as they are sent, [frames, 6]."""
    rows, model = pictures.load(labels), FaceModel.load()
    out = {}
    for clip in rows.clips:
        points = rows.points(clip.rows)
        identity, _ = model.fit(points[0])
        sent = Scaling.of(model).standardize(smooth(model.fit(points, identity)[1], model.scale))
        out[clip.file] = sent[:, EXPRESSION]
    return out


def _earlier(lips: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Lips shifted to be that many frames earlier; the first or last frame is repeated."""
    at = np.clip(np.arange(len(lips)) + frames, 0, len(lips) - 1)
    return lips[at]


def _print_fit(visemes: VisemeRegression, clips: list[RecordedClip], features: list, lips: list) -> None:
    """Prints the explained variance on people held out, without shift and with each clip's best lag."""
    inner = slice(MAX_LAG, -MAX_LAG)
    held = [i for i, clip in enumerate(clips) if clip.person.held_out]
    real = np.concatenate([lips[i][inner] for i in held])
    for what, own in (("as they are", False), ("each at its own offset", True)):
        late = [best_lag(visemes.weights, features[i], lips[i]) if own else 0 for i in held]
        guess = np.concatenate(
            [(np.roll(features[i], k, 0) @ visemes.weights)[inner] for i, k in zip(held, late, strict=True)]
        )
        explained = 1 - ((real - guess) ** 2).sum(0) / (real**2).sum(0)
        print(f"R2 on {len(held)} clips of people held out, {what} {late}: {np.round(explained, 2)}")


if __name__ == "__main__":
    sys.exit(main())
