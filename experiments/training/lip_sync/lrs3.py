"""The shipped expert on clips that are in sync: LRS3's, none of which it was trained on.

python -m lossweep.experiments.training.lip_sync.lrs3 --data DIR
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from lossweep.endpoints.clip import SPEECH_RATE, ClipError
from lossweep.experiments.metrics.lip_sync.error import FPS
from lossweep.experiments.metrics.lip_sync.lossweep_sync import LossweepSync
from lossweep.experiments.metrics.metric import Picture
from lossweep.experiments.training.face.prepare import frames
from lossweep.experiments.training.lip_sync.evaluation import (
    WINDOW,
    Embeddings,
    confidences,
    interval,
    shifts_found,
    whole_clip_offset,
)
from lossweep.experiments.training.tts.recorded_clips import read_speech

GROUP = "lrs3"


def embed(expert: LossweepSync, path: Path, identity: str, blur: float) -> Embeddings:
    """The embeddings of a clip's pictures and sound, as far as it has both.

    Args:
        blur: standard deviation of a Gaussian blur of the pictures, in pixels of 256; 0 leaves them sharp.
    """
    pictures, speech = [gaussian_filter(one, (blur, blur, 0)) for one in frames(path)], read_speech(path)
    count = min(len(pictures), len(speech) * FPS // SPEECH_RATE)
    pictures, speech = pictures[:count], speech[: count * SPEECH_RATE // FPS]
    digests = tuple(Picture.of(picture).digest for picture in pictures)
    seen = expert.embed_pictures(pictures, digests, expert.usual_points(pictures))
    return Embeddings(path.stem, identity, seen, expert.embed_speech(speech))


def main() -> None:
    """Prints what share of windows has its offset found, counted from 0, and LSE-C of own and of other sound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with clips_new.csv")
    parser.add_argument(
        "--blur", type=float, default=0.0, help="of the pictures, standard deviation in pixels"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    with (args.data / "clips_new.csv").open(newline="", encoding="utf-8") as lines:
        rows = [r for r in csv.DictReader(lines) if r["group"] == GROUP and r["has_speech"] == "yes"]
    expert = LossweepSync()
    clips, lost = [], 0
    for row in rows:
        try:
            one = embed(expert, args.data / row["file"], row["identity"], args.blur)
        except ClipError as error:
            print(f"{row['file']}: {error}")
            lost += 1
            continue
        if len(one.faces) >= WINDOW:
            clips.append(one)
        print(f"{one.name}: {len(one.faces)} frames, offset {whole_clip_offset(one)}", flush=True)
    hits = [shifts_found(one, False) for one in clips]
    mean, low, high = interval(hits)
    windows, people = sum(map(len, hits)) // 21, len({one.identity for one in clips})
    print(
        f"{expert.label}, blur {args.blur:g}: {len(clips)} clips of {people} people, {windows} windows of 2 s"
    )
    print(f"offset from 0 found within 1 frame: {mean:.1%} ({low:.1%} to {high:.1%})")
    unmoved = np.concatenate([hit.reshape(-1, 21)[:, 10] for hit in hits])
    print(f"of the windows whose sound was not moved: {unmoved.mean():.1%}")
    own, others = confidences(clips)
    above = np.mean([(value > other).mean() for value, other in zip(own, others, strict=True)])
    print(f"LSE-C of own sound {own.mean():.3f}, of other people's {np.concatenate(others).mean():.3f}")
    print(f"own above other: {above:.1%} of pairs")


if __name__ == "__main__":
    main()
