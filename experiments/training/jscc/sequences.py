"""Short sequences of consecutive frames, cut from clips, for training.

    python -m lossweep.experiments.training.jscc.sequences --data DIR --out FOLDER

Natural clips and talking heads; a clip (or, of talking heads, a person) either trains or validates.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.channels.errors import LossweepError, TrainingDataError
from lossweep.experiments.training.face.split import clips_folder, everyone

LENGTH = 8
"""Frames of a sequence."""
SPAN = 5
"""Frames from one key frame to the next, both included."""
EVERY = 8
"""Of the sorted natural clips every eighth, from the first, validates; a second clip of a scene goes with the first."""
SAME_SCENE = re.compile(r"same scene as (\S+)")
"""In the column `note` of natural/manifest.csv."""
NATURAL_SEQUENCES, FACE_SEQUENCES = 12, 4
"""Sequences of a clip."""
NATURAL_SHARE = 0.6
"""Of the sequences of a batch."""
CROP = 128


@dataclass(frozen=True)
class Sequences:
    """Sequences uint8 [n, LENGTH, height, width, 3] of each clip, memory-mapped, by kind and part.

    Attributes:
        natural, faces: of the clips that train.
        natural_held_out, faces_held_out: of those that validate.
    """

    natural: tuple[NDArray[np.uint8], ...]
    faces: tuple[NDArray[np.uint8], ...]
    natural_held_out: tuple[NDArray[np.uint8], ...]
    faces_held_out: tuple[NDArray[np.uint8], ...]

    @classmethod
    def load(cls, folder: Path) -> Sequences:
        """What `main` wrote.

        Raises:
            TrainingDataError: it is not there.
        """
        path = folder / "sequences.json"
        if not path.exists():
            raise TrainingDataError(
                f"{path} is missing; run `python -m lossweep.experiments.training.jscc.sequences --data DIR "
                f"--out {folder}`"
            )
        index = json.loads(path.read_text())
        return cls(
            **{
                name: tuple(np.load(folder / file, mmap_mode="r") for file in files)
                for name, files in index.items()
            }
        )

    def batch(self, rng: np.random.Generator, size: int, frames: int) -> Tensor:
        """Random crops, float32 [size, frames, 3, CROP, CROP] in [-1, 1]; flipped, and turned round in time."""
        rows = []
        for _ in range(size):
            clips = self.natural if rng.random() < NATURAL_SHARE else self.faces
            clip = clips[rng.integers(len(clips))]
            sequence = clip[rng.integers(len(clip))]
            first = rng.integers(LENGTH - frames + 1)
            top, left = (rng.integers(0, side - CROP + 1) for side in sequence.shape[1:3])
            cut = np.asarray(sequence[first : first + frames, top : top + CROP, left : left + CROP])
            cut = cut[:, :, ::-1] if rng.random() < 0.5 else cut
            cut = cut[::-1] if rng.random() < 0.5 else cut
            rows.append(np.ascontiguousarray(cut))
        return to_unit(np.stack(rows))

    def held_out(self, frames: int, side: int = 256) -> tuple[Tensor, Tensor]:
        """One sequence of each clip that validates, cut in the middle: natural, faces; as `batch`."""
        return (
            to_unit(
                np.stack([_middle(clip[len(clip) // 2], side)[:frames] for clip in self.natural_held_out])
            ),
            to_unit(np.stack([_middle(clip[len(clip) // 2], side)[:frames] for clip in self.faces_held_out])),
        )


def to_unit(pixels: NDArray[np.uint8]) -> Tensor:
    """uint8 [..., height, width, 3] to float32 [..., 3, height, width] in [-1, 1]."""
    return torch.from_numpy(pixels).movedim(-1, -3).float() / 127.5 - 1


def natural_clips(folder: Path) -> list[tuple[Path, bool]]:
    """The natural clips, sorted, and whether each validates.

    Args:
        folder: holds the clips, and manifest.csv (columns file, note) where some show the scene of another.
    """
    clips = sorted(folder.glob("*.mp4"))
    held_out = {path.stem: i % EVERY == 0 for i, path in enumerate(clips)}
    scenes = {}
    if (folder / "manifest.csv").exists():
        with (folder / "manifest.csv").open(newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                if found := SAME_SCENE.search(row["note"]):
                    scenes[Path(row["file"]).stem] = found[1]
    return [(path, held_out.get(scenes.get(path.stem, ""), held_out[path.stem])) for path in clips]


def _middle(sequence: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    top, left = ((length - side) // 2 for length in sequence.shape[1:3])
    return np.asarray(sequence[:, top : top + side, left : left + side])


def _cut(path: Path, count: int) -> NDArray[np.uint8] | None:
    """Up to `count` sequences spread over a clip; None where it is too short or too small."""
    import av

    with av.open(str(path)) as file:
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    if len(frames) < LENGTH or min(frames[0].shape[:2]) < 256:
        return None
    firsts = np.unique(np.linspace(0, len(frames) - LENGTH, count).astype(int))
    return np.stack([np.stack(frames[first : first + LENGTH]) for first in firsts])


def main(argv: list[str] | None = None) -> int:
    """Cuts the clips; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with natural/ and clips/")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    index: dict[str, list[str]] = {
        name: [] for name in ("natural", "faces", "natural_held_out", "faces_held_out")
    }
    try:
        jobs = [
            (path, NATURAL_SEQUENCES, "natural_held_out" if held_out else "natural")
            for path, held_out in natural_clips(args.data / "natural")
        ]
        jobs += [
            (
                clips_folder(args.data) / one.file,
                FACE_SEQUENCES,
                "faces_held_out" if one.held_out else "faces",
            )
            for one in everyone(args.data)
        ]
        args.out.mkdir(parents=True, exist_ok=True)
        for i, (path, count, part) in enumerate(jobs):
            found = _cut(path, count)
            if found is not None:
                np.save(args.out / f"{i:04}.npy", found)
                index[part].append(f"{i:04}.npy")
    except LossweepError as error:
        print(error, file=sys.stderr)
        return 2
    (args.out / "sequences.json").write_text(json.dumps(index, indent=1))
    print({name: len(files) for name, files in index.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
