"""Lip-sync experts: two models with one interface."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

OWN = "own"


class Expert(Protocol):
    """Turns pictures and sound into embeddings that are near each other where they belong together.

    Attributes:
        label: its name and which weights.
        padded: see `error.mean_distances`.
        weights_sha256: of its weights file.
    """

    label: str
    padded: bool
    weights_sha256: str

    def usual_points(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Where the face stands in the clean clip, points [478, 3] in pixels.

        Raises:
            ClipError: one shows no face.
        """
        ...

    def embed_pictures(
        self, pictures: Sequence[NDArray[np.uint8]], digests: Sequence[str], usual: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Embeddings of pictures, float32 [frames, dimensions].

        Args:
            pictures: 25 a second, uint8 [height, width, 3] RGB.
            digests: one a picture.
            usual: where the face stands in the clean clip.
        """
        ...

    def embed_speech(self, speech: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embeddings of sound, float32 [frames, dimensions], of float32 [640 frames] samples at 16 kHz."""
        ...


def check(expert: str) -> None:
    """Nothing, where `expert` is "own", a path, or a name that is there.

    Raises:
        ValueError: it can be neither.
    """
    if expert != OWN and not _is_path(expert) and not Path(expert).exists():
        raise ValueError(f"no expert {expert!r}; it is {OWN}, or the file or folder of syncnet_v2.model")


def make(expert: str, device: str) -> Expert:
    """The expert of that name or file.

    Raises:
        MetricAbsent: its weights are not there or broken.
        ValueError: as `check`.
    """
    check(expert)
    if expert == OWN:
        from lossweep.experiments.metrics.lip_sync.lossweep_sync import LossweepSync

        return LossweepSync(device)
    from lossweep.experiments.metrics.lip_sync.syncnet_v2 import SyncNetV2

    return SyncNetV2(expert, device)


def _is_path(expert: str) -> bool:
    return any(sign in expert for sign in "/\\.~$")
