"""The pairs of a split as they were kept on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class Pairs:
    """All groups of a split, in memory."""

    def __init__(self, folder: Path) -> None:
        stored = [dict(np.load(file)) for file in sorted(folder.glob("*.npz"))]
        self.pictures: NDArray[np.uint8] = np.concatenate([s["pictures"] for s in stored])
        self.kinds: NDArray[np.uint8] = np.concatenate([s["kinds"] for s in stored])
        self.cells: NDArray[np.float32] = np.concatenate([s["cells"] for s in stored])
