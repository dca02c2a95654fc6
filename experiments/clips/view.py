"""From a decoded frame to the picture that is shown: turned, cropped, scaled, padded to even sizes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.sidedata.sidedata import Type
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

_SCALER = int(
    Interpolation.LANCZOS
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
)
_TO_RGB, _TO_SIZE = (
    VideoReformatter(),
    VideoReformatter(),
)  # kept: making one takes longer than a small picture
Rgb = NDArray[np.uint8]
"""A picture, uint8 [height, width, 3]."""


@dataclass(frozen=True)
class Box:
    """A part of a picture, in pixels from its upper left corner."""

    left: int
    top: int
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height} at ({self.left}, {self.top})"


@dataclass(frozen=True)
class View:
    """Which part of a stream's pictures is kept, and at which size.

    Attributes:
        shown: width and height of the whole picture as it is displayed.
        box: the part of it that is kept.
        width, height: to which the part is scaled; an odd one is padded to even by repeating the edge.
    """

    shown: tuple[int, int]
    box: Box
    width: int
    height: int

    @property
    def even(self) -> tuple[int, int]:
        """Width and height of the pictures."""
        return self.width + self.width % 2, self.height + self.height % 2

    def picture(self, frame: av.VideoFrame) -> Rgb:
        """The picture of a frame, uint8 [even height, even width, 3]."""
        picture = self.unpadded(frame)
        if self.even == (self.width, self.height):
            return picture
        return np.pad(picture, ((0, self.height % 2), (0, self.width % 2), (0, 0)), mode="edge")

    def unpadded(self, frame: av.VideoFrame) -> Rgb:
        """The picture of a frame, uint8 [height, width, 3]."""
        whole = turned(frame)
        across, down = whole.shape[1] / self.shown[0], whole.shape[0] / self.shown[1]
        left, top = round(self.box.left * across), round(self.box.top * down)
        right, bottom = (self.box.left + self.box.width) * across, (self.box.top + self.box.height) * down
        part = whole[top : max(round(bottom), top + 1), left : max(round(right), left + 1)]
        return scaled(part, self.width, self.height)


def whole_view(frame: av.VideoFrame, pixel_shape: Fraction | None) -> View:
    """The view that keeps all of a stream's picture at its own displayed size.

    Args:
        frame: a frame of the stream.
        pixel_shape: width by height of a stored pixel; None for square ones.
    """
    width, height = max(1, round(frame.width * float(pixel_shape or 1))), frame.height
    if abs(_matrix(frame)[1]) > abs(_matrix(frame)[0]):
        width, height = height, width
    return View((width, height), Box(0, 0, width, height), width, height)


def turned(frame: av.VideoFrame) -> Rgb:
    """A frame as its display matrix says, one of eight: turned by right angles, mirrored or not; as ffmpeg shows it.

    A stored pixel (x, y) is displayed at (a x + c y, b x + d y).
    """
    picture: Rgb = np.asarray(
        _TO_RGB.reformat(frame, format="rgb24", interpolation=_SCALER).to_ndarray(), np.uint8
    )
    a, b, c, d = _matrix(frame)
    if abs(b) > abs(a):
        picture = picture.transpose(1, 0, 2)
        a, d = c, b
    return picture[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


def scaled(picture: Rgb, width: int, height: int) -> Rgb:
    """A picture at another size, by Lanczos."""
    picture = np.ascontiguousarray(picture)
    if picture.shape[:2] == (height, width):
        return picture
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    resized = _TO_SIZE.reformat(frame, width, height, "rgb24", interpolation=_SCALER)
    return np.asarray(resized.to_ndarray(), np.uint8)


def _matrix(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    """a, b, c, d of the display matrix; (1, 0, 0, 1) where there is none."""
    data = frame.side_data.get(Type.DISPLAYMATRIX)  # type: ignore[call-overload]  # PyAV's keys
    if data is None:
        return 1, 0, 0, 1
    numbers = struct.unpack("=9i", bytes(data))
    return numbers[0], numbers[1], numbers[3], numbers[4]
