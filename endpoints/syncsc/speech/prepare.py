"""`python -m endpoints.syncsc.speech.prepare --data DIR`: the corpus that speech synthesis learns from.

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

from endpoints.clip import ClipError
from endpoints.syncsc.face_model import EXPRESSION
from endpoints.syncsc.speech.corpus import INDEX, SCALE, Utterance
from endpoints.syncsc.speech.pitch import pitch
from endpoints.syncsc.speech.real import spoken_clips
from endpoints.syncsc.speech.spoken import said
from endpoints.syncsc.speech.synthesizer import FRAME

LIPS = EXPRESSION.stop - EXPRESSION.start


def main(argv: list[str] | None = None) -> int:
    """Makes the corpus; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m endpoints.syncsc.speech.prepare", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with clips/ and text/")
    parser.add_argument("--hours", type=float, default=3.0, help="of synthetic speech")
    parser.add_argument("--out", type=Path, default=Path("build/speech"))
    args = parser.parse_args(argv)
    try:
        _prepare(args)
    except ClipError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _prepare(args: argparse.Namespace) -> None:
    utterances, speech, hertz, lips = [], [], [], []

    def add(sound: np.ndarray, moved: np.ndarray, **what) -> None:
        utterances.append(Utterance(first=sum(map(len, speech)), samples=len(sound), **what))
        speech.append(np.round(sound * SCALE).astype(np.int16))
        hertz.append(pitch(sound))
        lips.append(moved.astype(np.float16))

    for clip in spoken_clips(args.data):
        still = np.zeros((len(clip.speech) // FRAME, LIPS))
        person = clip.person
        add(
            clip.speech,
            still,
            name=person.file,
            speaker=person.identity,
            kind="real",
            held_out=person.held_out,
        )
    for number, one in enumerate(said(args.data, args.hours)):
        who = {"speaker": one.speaker.name, "kind": "espeak", "held_out": one.speaker.held_out}
        still = np.zeros((len(one.speech) // FRAME, LIPS))
        add(one.speech, still, name=str(number), words=one.words, phonemes=one.phonemes, **who)
    args.out.mkdir(parents=True, exist_ok=True)
    for name, parts in (("speech", speech), ("pitch", hertz), ("lips", lips)):
        np.save(args.out / f"{name}.npy", np.concatenate(parts))
    (args.out / INDEX).write_text(json.dumps([asdict(u) for u in utterances]))


if __name__ == "__main__":
    sys.exit(main())
