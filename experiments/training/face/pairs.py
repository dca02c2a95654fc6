"""Training pairs of the generators: a reference picture, what is told of another frame, and that frame."""

from __future__ import annotations

from collections.abc import Callable
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
CHOSEN = 0.5
"""Share of the pairs whose wanted frame is, of `OFFERED`, the one that is least like the reference."""
OFFERED = 4
BLINKS = 0.15
"""Share of the pairs whose wanted frame has the eyes shut, where the clip has such frames."""
SHUT = 0.5
"""MediaPipe's blink score from which on eyes count as shut."""
ZOOMED = 0.6
"""Share of the pairs that are turned and enlarged: the same people elsewhere in the picture."""
TRACKER_NOISE = 0.1
"""Noise on the numbers of half the pairs, in standard deviations: an extractor's numbers tremble."""


class Batch(NamedTuple):
    """Pairs. Pictures are float32 [n, 3, 256, 256] in [-1, 1]; see `cues` for fields and numbers."""

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
        self.clips = [c for c in labels.clips if c.held_out == held_out and not c.validates]
        self.usable = [np.flatnonzero(labels.weight[c.rows] > 0) for c in self.clips]
        self.clips = [c for c, usable in zip(self.clips, self.usable, strict=True) if len(usable) > 1]
        self.usable = [usable for usable in self.usable if len(usable) > 1]
        shut = [labels.blink[c.rows].min(1)[u] > SHUT for c, u in zip(self.clips, self.usable, strict=True)]
        self.shut = [u[s] for u, s in zip(self.usable, shut, strict=True)]
        opposite = self.model.mirrored
        self.sides = []
        for clip in self.clips:
            straight = labels.points(clip.rows)
            mirror = straight[:, opposite] * np.float32([-1, 1, 1]) + np.float32([256, 0, 0])
            self.sides.append([self._side(points) for points in (straight, mirror)])
        # People count alike; a person's clips by the square root of their length.
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
        """`count` pairs of different clips, disturbed."""
        made = [
            self._augmented(rng, which) for which in rng.choice(len(self.clips), count, False, self.chance)
        ]
        return _stacked(made)

    def _augmented(self, rng: np.random.Generator, which: int) -> tuple:
        mirrored = bool(rng.integers(2))
        reference, wanted = self._two(rng, which)
        noise = TRACKER_NOISE * rng.standard_normal(16) * (rng.random() < 0.5)
        lens = draw_zoom(rng) if rng.random() < ZOOMED else None
        told, shown = self._pair(which, reference, wanted, mirrored, noise, lens)
        gain = np.exp(0.15 * rng.standard_normal() + 0.05 * rng.standard_normal(3))
        gamma = np.exp(0.15 * rng.standard_normal())
        return *told, *(coloured(p, gain, gamma) for p in shown)

    def _two(self, rng: np.random.Generator, which: int) -> tuple[int, int]:
        """The frames of a pair, reference and wanted."""
        usable, shut = self.usable[which], self.shut[which]
        reference = int(usable[0] if rng.random() < FIRST else rng.choice(usable))
        dice = rng.random()
        if dice < BLINKS and len(shut):
            return reference, int(rng.choice(shut))
        if dice > 1 - CHOSEN:
            offered = rng.choice(usable, OFFERED)
            coefficients = self.sides[which][0].coefficients
            apart = np.abs((coefficients[offered] - coefficients[reference]) / self.model.scale).sum(1)
            return reference, int(offered[apart.argmax()])
        return reference, int(rng.choice(usable))

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
            points = seen_through(lens, points)
            coefficients = self.model.fit(points, side.identity)[1]
            shown = [_zoomed(lens, p) for p in shown]
        here, there = coefficients[0], coefficients[1] + noise * self.model.scale
        stands = self.model.landmarks(side.identity, np.stack([here, there]))
        told = (
            fields(stands[0], stands[1:])[0],
            mapping_input(self.model, here, there[None])[0],
            points[1],
        )
        return told, shown

    def of_clip(self, clip: LabelledClip, wanted: NDArray[np.integer]) -> Batch:
        """The frames `wanted` of a clip, each from its first frame, undisturbed."""
        which = self.clips.index(clip)
        return _stacked([(*told, *shown) for told, shown in (self._pair(which, 0, int(i)) for i in wanted)])

    def mean_over_people(self, per_clip: int, score: Callable[[Batch], list[float]]) -> list[float]:
        """Scores of `per_clip` frames of each clip, from its first frame; people count alike, however many clips."""
        scores: dict[str, list[list[float]]] = {}
        for clip in self.clips:
            frames = np.linspace(1, clip.frames - 1, per_clip).astype(int)
            scores.setdefault(clip.identity, []).append(score(self.of_clip(clip, frames)))
        people: list[float] = np.mean([np.mean(rows, 0) for rows in scores.values()], 0).tolist()
        return people


def coloured(picture: NDArray[np.uint8], gain: NDArray[np.floating], gamma: float) -> NDArray[np.uint8]:
    """The picture's three colours as `gain * colour**gamma` (of colours from 0 to 1)."""
    line = np.linspace(0, 1, 256)[:, None] ** gamma * gain
    table = np.uint8(np.round(255 * np.clip(line, 0, 1)))
    return opencv().LUT(np.ascontiguousarray(picture), np.ascontiguousarray(table[None]))


def draw_zoom(rng: np.random.Generator) -> NDArray[np.float64]:
    """A turn, and an enlargement about a place chosen so that the border hardly shows: [2, 3], pixel to pixel."""
    size, angle = np.exp(abs(rng.normal(0, 0.15))), rng.normal(0, 0.06)
    turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.full(2, 128.0)
    shift = rng.uniform(-1, 1, 2) * 128 * (size - 1)
    return np.column_stack([turn, middle - turn @ middle + shift])


def seen_through(lens: NDArray[np.float64], points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Points [..., 3] in pixels, turned and enlarged alike (depth enlarged)."""
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
    told, said, points, reference, wanted = (np.stack(part) for part in zip(*made, strict=True))
    told, said = torch.from_numpy(np.float32(told)), torch.from_numpy(np.float32(said))
    before, after = (torch.from_numpy(p).permute(0, 3, 1, 2) / 127.5 - 1 for p in (reference, wanted))
    return Batch(before, told, said, after, points)
