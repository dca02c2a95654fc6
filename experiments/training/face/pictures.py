"""The clips' pictures as one memory-mapped array beside the labels, decoded once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossweep.experiments.training.face.prepare import Labelled, frames
from lossweep.experiments.training.face.split import clips_folder

SIDE = 256


def pictures(data: Path, labels: Labelled, folder: Path) -> NDArray[np.uint8]:
    """uint8 [frames, 256, 256, 3], row for row as the labels; `folder`/pictures.npy, made if it is not there.

    Args:
        data: holds the clips.
        labels: what `lossweep.experiments.training.face.prepare` made of them.
        folder: a local one; 0.2 MB a frame. The pictures are not for passing on.
    """
    path = Path(folder) / "pictures.npy"
    if not path.exists():
        part = path.with_suffix(".part")
        shape = (len(labels.landmarks), SIDE, SIDE, 3)
        out = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=shape)
        for clip in labels.clips:
            for row, picture in enumerate(frames(clips_folder(data) / clip.file), clip.first):
                out[row] = picture
            print(f"decoded {clip.file}", flush=True)
        out.flush()
        part.rename(path)
    return np.load(path, mmap_mode="r")
