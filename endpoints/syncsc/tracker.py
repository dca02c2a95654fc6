"""Trackers: ways to read the 16 coefficients per frame, and the person's shape, from pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.registry import Registry
from lossweep.endpoints.clip import ClipError
from lossweep.endpoints.syncsc.face_model import FaceModel

TRACKERS = Registry(
    "tracker",
    "lossweep.trackers",
    {
        "extractor": "lossweep.endpoints.syncsc.extractor:ExtractorTracker",
        "deep3d": "lossweep.endpoints.syncsc.deep3d:Deep3DTracker",
        "mediapipe": "lossweep.endpoints.syncsc.tracker:MediapipeTracker",
    },
)


class Tracked(NamedTuple):
    """A talking face: identity float32 [80] (of the first frame) and coefficients float32 [frames, 16]."""

    identity: NDArray[np.float32]
    coefficients: NDArray[np.float32]


class Tracker(Protocol):
    """Made by its class method `load(device, largest, folder)`."""

    def track(self, pictures: Sequence[NDArray[np.uint8]]) -> Tracked:
        """Follows the face through pictures, uint8 [256, 256, 3] RGB each.

        Raises:
            ClipError: a frame shows no face, or the first one several; one line that says which.
        """
        ...


def fit_face(points: NDArray[np.floating], model: FaceModel) -> Tracked:
    """The face in landmarks [frames, 478, 3] in pixels: the identity is the first frame's."""
    identity, _ = model.fit(points[0])
    return Tracked(identity, model.fit(points, identity)[1])


def several_faces() -> ClipError:
    """The error where there is more than one face."""
    return ClipError(
        "several faces in frame 0; crop the clip to one, or set the endpoint's faces to largest to take it"
    )


class MediapipeTracker:
    """MediaPipe's face landmarker, where the package and its model file are there.

    Args:
        largest: take the largest of several faces.
    """

    def __init__(self, largest: bool = False) -> None:
        self.largest = largest

    @classmethod
    def load(cls, device: str = "cpu", largest: bool = False, folder: str = "") -> MediapipeTracker:
        """Runs on the CPU for every device."""
        return cls(largest)

    def track(self, pictures: Sequence[NDArray[np.uint8]]) -> Tracked:
        """See `Tracker.track`."""
        from lossweep.endpoints.syncsc.landmarker import Landmarker

        with Landmarker(faces=2) as landmarker:
            if len(landmarker.faces(pictures[0])) > 1 and not self.largest:
                raise several_faces()
        with Landmarker() as landmarker:
            points = np.stack([landmarker.face(picture).landmarks for picture in pictures])
        return fit_face(points, FaceModel.load())
