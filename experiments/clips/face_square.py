"""The square around the face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.clip import Clip, ClipError
from lossweep.experiments.clips.view import Box, scaled

if TYPE_CHECKING:
    from lossweep.endpoints.syncsc.extractor import ExtractorTracker

SIDE = 256
_FACE_SHARE, _FACE_CENTRE = 0.56, 0.56
"""Height of the face, and from the top its middle, as shares of the square: medians of talking-head clips."""
_WHOLE_FROM = 0.8
"""A square of at least this share of the shorter side is made as large as that side."""
_SAMPLES = 8
SUBJECT = 0.4
"""A face of at least this share of the shorter side is what a clip shows: 0.47 to 0.78 in talking-head clips. Faces in
other clips are smaller, and so is what is taken for a face there (a dog's head: 0.32)."""


def face_square(clip: Clip) -> tuple[Clip, str]:
    """The clip with pictures of 256x256: the square around its face, the same one throughout, scaled.

    Args:
        clip: with pictures of any size, or without any.
    Returns:
        The clip, and one line that says what was cropped and scaled; "" where nothing was.
    """
    if clip.video is None or not len(clip.video) or clip.video[0].shape[:2] == (SIDE, SIDE):
        return clip, ""
    at = np.linspace(0, len(clip.video) - 1, min(_SAMPLES, len(clip.video))).astype(int)
    box, note = square_box([clip.video[i] for i in at])
    video = np.empty((len(clip.video), SIDE, SIDE, 3), np.uint8)
    for i, picture in enumerate(clip.video):
        part = picture[box.top : box.top + box.height, box.left : box.left + box.width]
        video[i] = scaled(part, SIDE, SIDE)
    return replace(clip, video=video), f"clip {clip.name}: {note}, scaled to {SIDE}x{SIDE}"


def square_box(pictures: Sequence[NDArray[np.uint8]], at_least: float = 0.0) -> tuple[Box, str]:
    """The square around the face that more than half of these pictures of one clip show, or the centre square.

    Args:
        pictures: uint8 [height, width, 3] each, all of one size.
        at_least: height of the face, as a share of the shorter side; a smaller one does not count.
    Returns:
        The square, and what it is ("cropped to the face, 620x620 at (330, 40) of 1280x720").
    """
    from lossweep.endpoints.syncsc.extractor import ExtractorTracker  # imports torch, which takes seconds

    height, width = pictures[0].shape[:2]
    shorter = min(height, width)
    finder = ExtractorTracker.load(largest=True)
    faces = [found for found in (_face(finder, picture) for picture in pictures) if found is not None]
    if 2 * len(faces) <= len(pictures):
        return _centre(width, height, "no face found")
    low, high = (np.median([found[i] for found in faces], axis=0) for i in (0, 1))
    face = float(high[1] - low[1])
    if face < at_least * shorter:
        part = f"{100 * face / shorter:.0f} % of the shorter side"
        return _centre(width, height, f"a face of {part}, less than {100 * at_least:.0f} %")
    side = round(face / _FACE_SHARE)
    side = shorter if side >= _WHOLE_FROM * shorter else side
    middle, centre = (low + high) / 2
    left = min(max(round(float(middle) - side / 2), 0), width - side)
    top = min(max(round(float(centre) - side * _FACE_CENTRE), 0), height - side)
    box = Box(left, top, side, side)
    return box, f"cropped to the face, {box} of {width}x{height}" if side < max(
        height, width
    ) else f"{width}x{height}"


def _centre(width: int, height: int, why: str) -> tuple[Box, str]:
    shorter = min(width, height)
    box = Box((width - shorter) // 2, (height - shorter) // 2, shorter, shorter)
    whole = "" if height == width else f"cropped to the centre square, {box} of "
    return box, f"{why}: {whole}{width}x{height}"


def _face(
    finder: ExtractorTracker, picture: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Upper left and lower right corner of the largest face, (x, y) in pixels; None where none is found."""
    try:
        points = next(finder.follow([picture]))
    except ClipError:
        return None
    return points[:, :2].min(axis=0), points[:, :2].max(axis=0)
