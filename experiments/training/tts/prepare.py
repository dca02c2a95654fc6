"""`python -m lossweep.experiments.training.tts.prepare --data DIR`: the corpus that speech synthesis learns from.

Sentences of DIR's lecture texts said by libespeak-ng in many voices, and the clips in which people really speak.
Nothing of it is shipped.
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
from lossweep.endpoints.tts.phonemes import spelled
from lossweep.endpoints.tts.pitch import pitch
from lossweep.endpoints.tts.synthesizer import FRAME
from lossweep.endpoints.tts.viseme_regression import FARTHEST, Visemes, evidence, fit, moving, offset
from lossweep.experiments.training.face import prepare as pictures
from lossweep.experiments.training.tts.alignment import heard
from lossweep.experiments.training.tts.corpus import INDEX, SCALE, Utterance
from lossweep.experiments.training.tts.recorded_clips import Spoken, spoken_clips
from lossweep.experiments.training.tts.synthetic_utterances import said

RESIDUAL = 0.3, 1.0
"""Lips of synthetic speech have between these shares of what the viseme model leaves of real ones: part of that is
there because real clips' words are recognized, and half of their phonemes wrongly."""


def main(argv: list[str] | None = None) -> int:
    """Makes the corpus; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lossweep.experiments.training.tts.prepare", description=__doc__
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with clips/ and text/")
    parser.add_argument("--labels", type=Path, default=Path("build/syncsc"), help="made by syncsc.prepare")
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
    for number, one in enumerate(said(args.data, args.hours)):
        rng = np.random.default_rng(number)
        moved = visemes.lips(evidence(one.phonemes, one.speech), rng.uniform(*RESIDUAL), rng)
        what = {"words": one.words, "phonemes": one.phonemes, "spelled": one.spelled}
        who = {"speaker": one.speaker.name, "kind": "espeak", "held_out": one.speaker.held_out}
        add(one.speech, moved, name=str(number), **who, **what)
    args.out.mkdir(parents=True, exist_ok=True)
    for name, parts in (("speech", speech), ("pitch", hertz), ("lips", lips)):
        np.save(args.out / f"{name}.npy", np.concatenate(parts))
    (args.out / INDEX).write_text(json.dumps([asdict(u) for u in utterances]))


def _real(args: argparse.Namespace, add) -> Visemes:
    """Adds the clips; the lips of those that train are set to their sound."""
    tracked = _tracked(args.labels)
    clips, lips, words, evidences = [], [], [], []
    for clip in spoken_clips(args.data):
        frames = min(len(clip.speech) // FRAME, len(tracked[clip.person.file]))
        clip = Spoken(clip.person, clip.speech[: frames * FRAME], clip.transcript)
        clips.append(clip)
        lips.append(moving(tracked[clip.person.file][:frames]))
        words.append(heard(clip.speech, clip.transcript))
        evidences.append(evidence(spelled(words[-1]), clip.speech))
    trained = [i for i, clip in enumerate(clips) if not clip.person.held_out]
    if args.fit:
        visemes, late = fit([evidences[i] for i in trained], [lips[i] for i in trained])
        visemes.save()
        print("frames by which the lips of the training clips come late:", late)
        _judge(visemes, clips, evidences, lips)
    else:
        visemes = Visemes.load()
    for clip, moved, said_words, known in zip(clips, lips, words, evidences, strict=True):
        who = {"name": clip.person.file, "speaker": clip.person.identity, "kind": "real"}
        placed = spelled(said_words)
        times = tuple((p.name, p.start_s, p.end_s) for p in placed)
        what = {"words": tuple((w.text or "", w.start_s, w.end_s) for w in said_words), "phonemes": times}
        if not clip.person.held_out:
            moved = _earlier(moved, offset(visemes.weights, known, moved))
        add(clip.speech, moved, held_out=clip.person.held_out, spelled=tuple(placed), **who, **what)
    return visemes


def _tracked(labels: Path) -> dict[str, NDArray[np.float32]]:
    """Of each labelled clip the expressions as they are sent, [frames, 6]."""
    rows, model = pictures.load(labels), FaceModel.load()
    out = {}
    for clip in rows.clips:
        points = rows.points(clip.rows)
        identity, _ = model.fit(points[0])
        sent = Scaling.of(model).standardize(smooth(model.fit(points, identity)[1], model.scale))
        out[clip.file] = sent[:, EXPRESSION]
    return out


def _earlier(lips: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Lips that move that much earlier; the first or last picture stays where there are no others."""
    at = np.clip(np.arange(len(lips)) + frames, 0, len(lips) - 1)
    return lips[at]


def _judge(visemes: Visemes, clips: list[Spoken], evidences: list, lips: list) -> None:
    """Prints the variance explained on people held out, as their clips are and at each clip's own offset."""
    inner = slice(FARTHEST, -FARTHEST)
    held = [i for i, clip in enumerate(clips) if clip.person.held_out]
    real = np.concatenate([lips[i][inner] for i in held])
    for what, own in (("as they are", False), ("each at its own offset", True)):
        late = [offset(visemes.weights, evidences[i], lips[i]) if own else 0 for i in held]
        guess = np.concatenate(
            [(np.roll(evidences[i], k, 0) @ visemes.weights)[inner] for i, k in zip(held, late, strict=True)]
        )
        explained = 1 - ((real - guess) ** 2).sum(0) / (real**2).sum(0)
        print(f"R2 on {len(held)} clips of people held out, {what} {late}: {np.round(explained, 2)}")


if __name__ == "__main__":
    sys.exit(main())
