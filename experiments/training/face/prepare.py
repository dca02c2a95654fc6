"""Labels every frame of the clips with the face landmarker.

    python -m lossweep.experiments.training.face.prepare --data DIR

What it writes is small enough to travel (40 MB for 9 minutes of video): memory-mapped arrays, one row a frame,
clip after clip, and an index. The pictures themselves stay in the clips; `frames` decodes them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import LossweepError, TrainingDataError
from lossweep.endpoints.syncsc.landmarker import Landmarker
from lossweep.experiments.training.face.split import clips_folder, people

CENTRE = 128.0
INDEX = "index.json"


@dataclass(frozen=True)
class Labelled:
    """The labels of all frames. Rows `clips[i].rows` belong to one clip, in order of time.

    Attributes:
        landmarks: float16 [frames, 478, 3], pixels of the 256x256 picture with the origin in its middle
            (x right, y down, z away from the camera); `points` gives them as float32 from the top left.
        blink: float16 [frames, 2] in [0, 1], left and right eye (1 is shut).
        pose: float32 [frames, 4, 4], the landmarker's face-to-camera matrix.
        clips: what the rows are.
    """

    landmarks: NDArray[np.float16]
    blink: NDArray[np.float16]
    pose: NDArray[np.float32]
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
    arrays = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("landmarks", "blink", "pose"))
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
    parser.add_argument("--model", type=Path, help="face_landmarker.task (default: models/ of the data)")
    args = parser.parse_args(argv)
    try:
        _prepare(args.data, args.out, args.model or args.data / "models" / "face_landmarker.task")
    except LossweepError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _prepare(data: Path, out: Path, model: Path) -> None:
    clips, landmarks, blink, pose = [], [], [], []
    for person in people(data):
        with Landmarker(model) as landmarker:
            faces = [landmarker.face(picture) for picture in frames(clips_folder(data) / person.file)]
        clips.append({**vars(person), "first": len(landmarks), "frames": len(faces)})
        landmarks += [(face.landmarks - [CENTRE, CENTRE, 0]).astype(np.float16) for face in faces]
        blink += [np.float16(face.blink) for face in faces]
        pose += [np.float32(face.pose) for face in faces]
        print(f"{len(clips)} {person.file}: {len(faces)} frames, {len(landmarks)} in all", flush=True)
    out.mkdir(parents=True, exist_ok=True)
    for name, rows in (("landmarks", landmarks), ("blink", blink), ("pose", pose)):
        np.save(out / f"{name}.npy", np.array(rows))
    (out / INDEX).write_text(json.dumps({"clips": clips}, indent=1))


if __name__ == "__main__":
    sys.exit(main())
