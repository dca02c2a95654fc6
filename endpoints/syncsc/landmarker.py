"""MediaPipe's face landmarker, where the package and its model file are there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import MissingPackage, WeightsError
from lossweep.endpoints.clip import ClipError

MODEL = "face_landmarker.task"
FRAME_MS = 40


@dataclass(frozen=True)
class Face:
    """One face in one picture.

    Attributes:
        landmarks: float32 [478, 3], pixels of the picture; x right, y down, z away from the camera and
            on the scale of x.
        blink: float32 [2] in [0, 1], left and right eye; 1 is shut.
        pose: float32 [4, 4], face to camera.
    """

    landmarks: NDArray[np.float32]
    blink: NDArray[np.float32]
    pose: NDArray[np.float32]


class Landmarker:
    """Follows one face through a video, or looks for several in a picture. A context manager.

    Args:
        model: face_landmarker.task; None looks in `$LOSSWEEP_DATA/models`.
        faces: how many are looked for.
    Raises:
        MissingPackage, WeightsError: mediapipe or the model file is not there, and how to get it.
    Source: MediaPipe Face Landmarker (Apache-2.0), 478 landmarks, video mode.
    """

    def __init__(self, model: Path | None = None, faces: int = 1) -> None:
        model = model or Path(os.environ.get("LOSSWEEP_DATA", ".")) / "models" / MODEL
        if not model.exists():
            raise WeightsError(
                f"tracker mediapipe: {model} is missing; get {MODEL} from MediaPipe's model page "
                "and set LOSSWEEP_DATA to the folder that holds models/"
            )
        try:
            from mediapipe.tasks import python
            from mediapipe.tasks.python import vision
        except ImportError:
            raise MissingPackage(
                "tracker mediapipe: the package is missing; pip install lossweep[tracker]"
            ) from None
        options = vision.FaceLandmarkerOptions(
            base_options=python.BaseOptions(model_asset_path=str(model)),
            running_mode=vision.RunningMode.VIDEO,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
            num_faces=faces,
        )
        self._landmarker: Any = vision.FaceLandmarker.create_from_options(options)
        self._shown = 0

    def __enter__(self) -> Landmarker:
        return self

    def __exit__(self, *_: object) -> None:
        self._landmarker.close()

    def faces(self, picture: NDArray[np.uint8]) -> list[Face]:
        """The faces in the next picture of the video, uint8 [height, width, 3] RGB; the largest first."""
        import mediapipe

        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(picture))
        found = self._landmarker.detect_for_video(image, self._shown * FRAME_MS)
        self._shown += 1
        height, width = picture.shape[:2]
        faces = []
        for points, shapes, pose in zip(
            found.face_landmarks,
            found.face_blendshapes,
            found.facial_transformation_matrixes,
            strict=True,
        ):
            landmarks = np.array([(p.x * width, p.y * height, p.z * width) for p in points], np.float32)
            scores = {shape.category_name: shape.score for shape in shapes}
            blink = np.array([scores["eyeBlinkLeft"], scores["eyeBlinkRight"]], np.float32)
            faces.append(Face(landmarks, blink, np.asarray(pose, np.float32)))
        return sorted(faces, key=lambda face: -np.ptp(face.landmarks[:, 0]))

    def face(self, picture: NDArray[np.uint8]) -> Face:
        """The largest face in the next picture.

        Raises:
            ClipError: there is none.
        """
        found = self.faces(picture)
        if not found:
            raise ClipError(f"no face in frame {self._shown - 1}; choose a clip that shows one throughout")
        return found[0]
