"""Labels every frame of the clips with the face landmarker.

    python -m lossweep.experiments.training.face.prepare --data DIR

What it writes is small enough to travel (40 MB for 9 minutes of video): memory-mapped arrays, one row per frame,
clip after clip, and an index. The pictures themselves stay in the clips; `frames` decodes them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import LossweepError, TrainingDataError
from lossweep.endpoints.clip import ClipError
from lossweep.endpoints.syncsc.landmarker import Face, Landmarker
from lossweep.experiments.training.face.opencv import opencv
from lossweep.experiments.training.face.split import Person, clips_folder, everyone, grid

CENTRE = 128.0
INDEX = "index.json"
TURNED = 50.0
"""Degrees from which on a face that is turned away counts nothing."""
SHARP = 0.25
"""`sharpness` from which on a face counts in full."""


@dataclass(frozen=True)
class Labelled:
    """The labels of all frames. Rows `clips[i].rows` belong to one clip, in order of time.

    Attributes:
        landmarks: float16 [frames, 478, 3], pixels of the 256x256 picture with the origin in its middle
            (x right, y down, z away from the camera); `points` gives them as float32 from the top left.
        blink: float16 [frames, 2] in [0, 1], left and right eye (1 is shut).
        pose: float32 [frames, 4, 4], the landmarker's face-to-camera matrix.
        weight: float16 [frames] in [0, 1], how much a frame counts in training, see `weight`.
        clips: what the rows are.
    """

    landmarks: NDArray[np.float16]
    blink: NDArray[np.float16]
    pose: NDArray[np.float32]
    weight: NDArray[np.float16]
    clips: tuple[LabelledClip, ...]

    def points(self, rows: slice | NDArray) -> NDArray[np.float32]:
        """Landmarks float32 [n, 478, 3] in pixels from the top left corner (z as it was)."""
        return self.landmarks[rows].astype(np.float32) + np.array([CENTRE, CENTRE, 0], np.float32)


@dataclass(frozen=True)
class LabelledClip:
    """A clip's place in the labels: frames are rows first to first + frames. See `people.Person`."""

    file: str
    identity: str
    held_out: bool
    first: int
    frames: int
    validates: bool = False

    @property
    def rows(self) -> slice:
        """Where the clip's frames stand."""
        return slice(self.first, self.first + self.frames)


def load(folder: Path) -> Labelled:
    """The labels that `main` wrote into `folder`, memory-mapped.

    Raises:
        TrainingDataError: they are not there.
    """
    folder = Path(folder)
    if not (folder / INDEX).exists():
        raise TrainingDataError(
            f"{folder} has no labels; make them with `python -m lossweep.experiments.training.face.prepare --data DIR "
            f"--out {folder}`"
        )
    clips = tuple(LabelledClip(**line) for line in json.loads((folder / INDEX).read_text())["clips"])
    arrays = (
        np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("landmarks", "blink", "pose", "weight")
    )
    return Labelled(*arrays, clips)


def frames(path: Path, size: int = 256) -> Iterator[NDArray[np.uint8]]:
    """The pictures of a clip, uint8 [size, size, 3] RGB each, area-averaged when smaller than the file's."""
    import av

    with av.open(str(path)) as file:
        for frame in file.decode(video=0):
            if frame.width != size or frame.height != size:
                frame = frame.reformat(width=size, height=size, interpolation="AREA")
            yield frame.to_ndarray(format="rgb24")


def main(argv: list[str] | None = None) -> int:
    """Labels the clips; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lossweep.experiments.training.face.prepare", description=__doc__
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with clips/ and models/")
    parser.add_argument("--out", type=Path, default=Path("build/syncsc"))
    parser.add_argument("--processes", type=int, default=2, help="clips labelled at the same time")
    parser.add_argument(
        "--grid",
        action="store_true",
        help="the GRID sentences (grid_s1/) for speech synthesis, not the clips",
    )
    parser.add_argument("--model", type=Path, help="face_landmarker.task (default: models/ of the data)")
    args = parser.parse_args(argv)
    try:
        model = args.model or args.data / "models" / "face_landmarker.task"
        persons = grid(args.data) if args.grid else everyone(args.data)
        _prepare(persons, args.data, args.out, model, args.processes)
    except LossweepError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _prepare(persons: Sequence[Person], data: Path, out: Path, model: Path, processes: int) -> None:
    paths = [clips_folder(data) / person.file for person in persons]
    found = []
    with ProcessPoolExecutor(processes) as pool:
        for path, labels in zip(paths, pool.map(partial(label, model=model), paths), strict=True):
            found.append(labels)
            print(f"{path.name}: {len(labels.weight)} frames, weight {labels.weight.mean():.2f}", flush=True)
    write(out, persons, found)


class ClipLabels(NamedTuple):
    """Labels of one clip's frames; see `Labelled`."""

    landmarks: NDArray[np.float16]
    blink: NDArray[np.float16]
    pose: NDArray[np.float32]
    weight: NDArray[np.float16]


def label(path: Path, model: Path) -> ClipLabels:
    """Labels a clip. A frame without a face repeats the labels of the last that has one, with weight 0.

    Raises:
        ClipError: no frame shows a face.
    """
    with Landmarker(model) as landmarker:
        shown = [(next(iter(landmarker.faces(picture)), None), picture) for picture in frames(path)]
    seen = [i for i, (face, _) in enumerate(shown) if face is not None]
    if not seen:
        raise ClipError(f"{path} shows no face")
    weights = [0.0 if face is None else weight(face, picture) for face, picture in shown]
    faces = [shown[max((j for j in seen if j <= i), default=seen[0])][0] for i in range(len(shown))]
    return ClipLabels(
        np.array([f.landmarks - [CENTRE, CENTRE, 0] for f in faces], np.float16),
        np.array([f.blink for f in faces], np.float16),
        np.array([f.pose for f in faces], np.float32),
        np.array(weights, np.float16),
    )


def weight(face: Face, picture: NDArray[np.uint8]) -> float:
    """How much a frame counts: 0 for a face turned away by more than `TURNED`, less for one turned or blurred."""
    away = face.pose[:3, 2] / np.linalg.norm(face.pose[:3, 2])
    if away[2] < np.cos(np.radians(TURNED)):
        return 0.0
    return float(away[2] ** 2 * min(1.0, sharpness(face.landmarks, picture) / SHARP))


def sharpness(points: NDArray[np.floating], picture: NDArray[np.uint8]) -> float:
    """Standard deviation of the Laplacian over that of the grey, of the face's box shrunk to 96x96 pixels.

    From 0.15 (blurred) to 0.65 (sharp) on the project's clips.
    """
    cv2 = opencv()
    (left, top), (right, bottom) = (points[:, :2].min(0), points[:, :2].max(0) + 1)
    box = (slice(max(0, int(top)), max(8, int(bottom))), slice(max(0, int(left)), max(8, int(right))))
    grey = cv2.cvtColor(np.ascontiguousarray(picture[box]), cv2.COLOR_RGB2GRAY)
    grey = np.float32(cv2.resize(grey, (96, 96), interpolation=cv2.INTER_AREA))
    return float(cv2.Laplacian(grey, cv2.CV_32F).std() / (grey.std() + 1))


def write(out: Path, persons: Sequence[Person], found: Sequence[ClipLabels]) -> None:
    """Writes the labels of clips, and the index, into a folder that `load` reads."""
    out.mkdir(parents=True, exist_ok=True)
    for name, parts in zip(ClipLabels._fields, zip(*found, strict=True), strict=True):
        np.save(out / f"{name}.npy", np.concatenate(parts))
    counts = [len(labels.weight) for labels in found]
    firsts = np.cumsum([0, *counts[:-1]]).tolist()
    clips = [
        {**vars(person), "first": first, "frames": count}
        for person, first, count in zip(persons, firsts, counts, strict=True)
    ]
    (out / INDEX).write_text(json.dumps({"clips": clips}, indent=1))


if __name__ == "__main__":
    sys.exit(main())
