"""Training pairs of the generators: a reference picture, the conditioning of another frame, and that frame."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.endpoints.syncsc.face_model import FaceModel
from lossweep.endpoints.syncsc.generator.conditioning import fields, mapping_input
from lossweep.experiments.training.face.opencv import opencv
from lossweep.experiments.training.face.pictures import pictures
from lossweep.experiments.training.face.prepare import Labelled, LabelledClip

FIRST = 0.3
"""Share of the pairs whose reference is the clip's first frame, as in use."""
ZOOMED = 0.6
"""Share of the pairs that are rotated and enlarged."""
TRACKER_NOISE = 0.1
"""Noise on the coefficients of half of the pairs, in standard deviations, like the jitter of a tracker."""


class Batch(NamedTuple):
    """Pairs. Pictures are float32 [n, 3, 256, 256] in [-1, 1]; see `conditioning` for fields and numbers."""

    reference: Tensor
    fields: Tensor
    numbers: Tensor
    wanted: Tensor
    points: NDArray[np.float32]
    """[n, 478, 3], where the landmarks of `wanted` stand, pixels."""


class Side(NamedTuple):
    """A clip as it is or mirrored: landmarks [frames, 478, 3], identity [80], coefficients [frames, 16]."""

    points: NDArray[np.float32]
    identity: NDArray
    coefficients: NDArray


class Pairs:
    """Pairs of frames of the training people (or of those held out), with mirror and colour changes."""

    def __init__(self, data: Path, folder: Path, labels: Labelled, held_out: bool = False) -> None:
        self.model = FaceModel.load()
        self.pictures = pictures(data, labels, folder)
        self.clips = [clip for clip in labels.clips if clip.held_out == held_out]
        opposite = self.model.mirrored
        self.sides = []
        for clip in self.clips:
            straight = labels.points(clip.rows)
            mirror = straight[:, opposite] * np.float32([-1, 1, 1]) + np.float32([256, 0, 0])
            self.sides.append([self._side(points) for points in (straight, mirror)])
        # People have equal weight; a person's clips by the square root of their length.
        root = np.array([clip.frames**0.5 for clip in self.clips])
        whole = {c.identity: 0.0 for c in self.clips}
        for clip, r in zip(self.clips, root, strict=True):
            whole[clip.identity] += r
        chance = np.array([r / whole[c.identity] ** 0.5 for c, r in zip(self.clips, root, strict=True)])
        self.chance = chance / chance.sum()

    def _side(self, points: NDArray[np.float32]) -> Side:
        identity, _ = self.model.fit(points[0])
        return Side(points, identity, self.model.fit(points, identity)[1])

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        """`count` pairs of different clips, augmented."""
        made = [
            self._augmented(rng, which) for which in rng.choice(len(self.clips), count, False, self.chance)
        ]
        return _stacked(made)

    def _augmented(self, rng: np.random.Generator, which: int) -> tuple:
        frames = self.clips[which].frames
        wanted = int(rng.integers(frames))
        reference = 0 if rng.random() < FIRST else int(rng.integers(frames))
        mirrored = bool(rng.integers(2))
        noise = TRACKER_NOISE * rng.standard_normal(16) * (rng.random() < 0.5)
        lens = draw_zoom(rng) if rng.random() < ZOOMED else None
        conditioning, shown = self._pair(which, reference, wanted, mirrored, noise, lens)
        gain = np.exp(0.15 * rng.standard_normal() + 0.05 * rng.standard_normal((3, 1, 1)))
        gamma = np.exp(0.15 * rng.standard_normal())
        shown = [np.float32(np.clip(gain * p**gamma, 0, 1)) for p in shown]
        return *conditioning, *shown

    def _pair(
        self,
        which: int,
        reference: int,
        wanted: int,
        mirrored: bool = False,
        noise: NDArray | float = 0.0,
        lens: NDArray[np.float64] | None = None,
    ) -> tuple[tuple, list[NDArray]]:
        clip, side, both = self.clips[which], self.sides[which][mirrored], [reference, wanted]
        points, coefficients = side.points[both], side.coefficients[both]
        shown = [self.pictures[clip.first + i] for i in both]
        if mirrored:
            shown = [p[:, ::-1] for p in shown]
        if lens is not None:
            points = transform_points(lens, points)
            coefficients = self.model.fit(points, side.identity)[1]
            shown = [_zoomed(lens, p) for p in shown]
        here, there = coefficients[0], coefficients[1] + noise * self.model.scale
        stands = self.model.landmarks(side.identity, np.stack([here, there]))
        conditioning = (
            fields(stands[0], stands[1:])[0],
            mapping_input(self.model, here, there[None])[0],
            points[1],
        )
        return conditioning, [p.transpose(2, 0, 1) / 255.0 for p in shown]

    def of_clip(self, clip: LabelledClip, wanted: NDArray[np.integer]) -> Batch:
        """The frames `wanted` of a clip, each from its first frame, not augmented."""
        which = self.clips.index(clip)
        return _stacked(
            [
                (*conditioning, *shown)
                for conditioning, shown in (self._pair(which, 0, int(i)) for i in wanted)
            ]
        )


def draw_zoom(rng: np.random.Generator) -> NDArray[np.float64]:
    """A random rotation and enlargement with little of the border visible: [2, 3], pixel to pixel."""
    size, angle = np.exp(abs(rng.normal(0, 0.15))), rng.normal(0, 0.06)
    turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.full(2, 128.0)
    shift = rng.uniform(-1, 1, 2) * 128 * (size - 1)
    return np.column_stack([turn, middle - turn @ middle + shift])


def transform_points(lens: NDArray[np.float64], points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Points [..., 3] in pixels, transformed by `lens`; depth is scaled."""
    flat = points[..., :2] @ lens[:, :2].T + lens[:, 2]
    depth = points[..., 2:] * np.sqrt(np.linalg.det(lens[:, :2]))
    return np.float32(np.concatenate([flat, depth], -1))


def _zoomed(lens: NDArray[np.float64], picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    cv2 = opencv()
    # Pixel (0, 0) has its middle at (0.5, 0.5) in the points' coordinates.
    centred = np.column_stack([lens[:, :2], lens[:, 2] + lens[:, :2] @ [0.5, 0.5] - 0.5])
    whole, border = picture.shape[1::-1], cv2.BORDER_REPLICATE
    return cv2.warpAffine(
        np.ascontiguousarray(picture), centred, whole, flags=cv2.INTER_CUBIC, borderMode=border
    )


def _stacked(made: list[tuple]) -> Batch:
    conditioning, numbers, points, reference, wanted = (np.stack(part) for part in zip(*made, strict=True))
    as_tensor = [
        torch.from_numpy(np.float32(p)) for p in (reference * 2 - 1, conditioning, numbers, wanted * 2 - 1)
    ]
    return Batch(*as_tensor, points)
