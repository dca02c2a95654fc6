"""The portrait in a pose: scikit-image's astronaut photograph, warped.

Coordinates are pixels of the 512x512 photograph; pixel i covers i to i + 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, zoom

from lossweep.experiments.clips.eyes import EYES
from lossweep.experiments.clips.mouth import MouthPose, compose, smoothstep

Array = NDArray[np.float64]

CROP_X, CROP_Y, CROP = 106.0, 2.0, 240.0  # the square of the photograph that is the clip's picture
_MARGIN, _FINER = 14, 4
_NECK = np.array([223.0, 185.0])  # the head turns about this point
_MOUTH_BOX, _EYES_BOX = (172, 128, 276, 206), (184, 84, 268, 112)


@dataclass(frozen=True)
class FacePose:
    """Position of the head, eyelids, brows and mouth.

    Attributes:
        shift: of the head, x and y, in pixels of the photograph.
        roll, yaw, pitch: in radians; positive turns clockwise, to the right and down in the picture.
        closed: closing of the eyelids, 0 to 1.
        brows: lift of the brows in pixels, 0 to 2.
        mouth: shape of the mouth.
    """

    shift: tuple[float, float] = (0.0, 0.0)
    roll: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    closed: float = 0.0
    brows: float = 0.0
    mouth: MouthPose = field(default_factory=MouthPose)


class Face:
    """Renders the portrait at one picture size.

    Args:
        size: width and height of the picture in pixels.
    """

    def __init__(self, size: int) -> None:
        from skimage.data import astronaut

        left, top = int(CROP_X) - _MARGIN, 0
        photograph = astronaut()[top : int(CROP_Y + CROP) + _MARGIN, left : left + int(CROP) + 2 * _MARGIN]
        self._origin = (float(left), float(top))
        self._channels = [
            zoom(photograph[..., c].astype(np.float32), _FINER, order=3, mode="nearest", grid_mode=True)
            for c in range(3)
        ]
        at = (np.arange(size) + 0.5) * CROP / size
        self._x, self._y = np.meshgrid(CROP_X + at, CROP_Y + at)
        self._head_weight = _head_weight(self._x, self._y)
        self._depth = _depth(self._x, self._y)
        self._size = size

    def draw(self, pose: FacePose) -> NDArray[np.uint8]:
        """The picture, uint8 [size, size, 3] RGB."""
        x, y = self._source_coordinates(pose)
        brow = (
            pose.brows
            * np.exp(-(((y - 90.0) / 7.0) ** 2))
            * np.exp(-(((np.abs(x - 226.0) - 22.0) / 16.0) ** 2))
        )
        picture = self._sample(x, y + brow)
        box = self._box(_MOUTH_BOX)
        picture[box] = compose(x[box], y[box], pose.mouth, self._sample)
        if pose.closed > 0.0:
            box = self._box(_EYES_BOX)
            for eye in EYES:
                picture[box] = eye.compose(x[box], y[box], pose.closed, self._sample, picture[box])
        return np.clip(np.rint(picture), 0, 255).astype(np.uint8)

    def _source_coordinates(self, pose: FacePose) -> tuple[Array, Array]:
        """Coordinates in the photograph of the points on the picture's grid."""
        dx, dy = self._x - _NECK[0], self._y - _NECK[1]
        moved_x = pose.shift[0] - np.sin(pose.roll) * dy + np.sin(pose.yaw) * self._depth
        moved_y = pose.shift[1] + np.sin(pose.roll) * dx + np.sin(pose.pitch) * self._depth
        return self._x - self._head_weight * moved_x, self._y - self._head_weight * moved_y

    def _sample(self, x: Array, y: Array) -> NDArray[np.float32]:
        rows = (y - self._origin[1]) * _FINER - 0.5
        columns = (x - self._origin[0]) * _FINER - 0.5
        return np.stack(
            [map_coordinates(c, (rows, columns), order=1, mode="nearest") for c in self._channels], axis=-1
        )

    def _box(self, box: tuple[int, int, int, int]) -> tuple[slice, slice]:
        """Slices of the picture for left, top, right, bottom in the photograph."""
        scale = self._size / CROP
        left, right = (round((v - CROP_X) * scale) for v in (box[0], box[2]))
        top, bottom = (round((v - CROP_Y) * scale) for v in (box[1], box[3]))
        return slice(top, bottom), slice(left, right)


def _head_weight(x: Array, y: Array) -> Array:
    """Weight with which a point moves with the head: 1 on it, decreasing smoothly to 0 on background and suit."""
    hair = np.hypot((x - 227.0) / 78.0, (y - 88.0) / 84.0)
    jaw = np.hypot((x - 222.0) / 46.0, (y - 140.0) / 52.0)
    return np.maximum(1.0 - smoothstep(hair, 1.0, 1.45), 1.0 - smoothstep(jaw, 1.0, 1.6))


def _depth(x: Array, y: Array) -> Array:
    """Distance of the face towards the viewer, in pixels: an ellipsoid and a nose."""
    skull = 46.0 * np.clip(1.0 - ((x - 224.0) / 80.0) ** 2 - ((y - 110.0) / 95.0) ** 2, 0.0, 1.0)
    nose = 9.0 * np.exp(-(((x - 225.0) / 9.0) ** 2) - ((y - 125.0) / 11.0) ** 2)
    return skull + nose
