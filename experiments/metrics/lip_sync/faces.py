"""Position of the face in a picture and crop of its lower half, for each picture independently.

A picture that stays on the screen must look still to an expert, so nothing here follows a face from picture to
picture: each is looked at by itself, from the place that the clean clip's first picture gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from cachetools import LRUCache
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from lossweep.endpoints.syncsc.extractor import PRESENT, ExtractorTracker
from lossweep.endpoints.syncsc.extractor_network import LOOK_SIDE, Window, around
from lossweep.endpoints.syncsc.face_model import EYE_CORNERS, OVAL
from lossweep.experiments.metrics.content_cache import content_hash, get_or_make

NOSE_BASE = (2, 98, 327)
SAMPLED = 12
"""Pictures of the clean clip that say where its face usually stands and how large it is."""
HELD = 20_000
"""Pictures whose faces are kept, 6 kB each."""


class FaceFinder:
    """Finds faces with the extractor that ships, in each picture once.

    Args:
        device: "cpu" or "cuda".
    """

    def __init__(self, device: str = "cpu") -> None:
        self._tracker = ExtractorTracker.load(device, largest=True)
        self._known: LRUCache[tuple[str, bytes], NDArray[np.float32]] = LRUCache(HELD)

    def usual_points(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Median points, float32 [478, 3] in pixels, over some pictures of a clip.

        Raises:
            ClipError: no face in one of them.
        """
        some = pictures[:: max(1, len(pictures) // SAMPLED)]
        return np.median(list(self._tracker.follow(some)), axis=0).astype(np.float32)

    def points(
        self, pictures: Sequence[NDArray[np.uint8]], digests: Sequence[str], usual: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Points [frames, 478, 3] in pixels of each picture's face; the usual ones where there is none.

        Args:
            pictures: uint8 [height, width, 3] RGB.
            digests: one a picture.
            usual: where the face is looked for.
        """
        place = content_hash(usual)
        return np.stack(
            [
                get_or_make(self._known, (digest, place), partial(self._find, picture, usual))
                for picture, digest in zip(pictures, digests, strict=True)
            ]
        )

    @torch.inference_mode()
    def _find(self, picture: NDArray[np.uint8], usual: NDArray[np.float32]) -> NDArray[np.float32]:
        shown = torch.from_numpy(np.ascontiguousarray(picture)).to(self._tracker.device)
        shown = shown.permute(2, 0, 1)[None] / 255
        points, presence = self._tracker.look(shown, around(usual[None], LOOK_SIDE))
        return points.cpu().numpy() if presence >= PRESENT else usual


def boxes(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Upright boxes [frames, 3] around faces: middle x and y, half the longer side, in pixels."""
    oval = points[:, list(OVAL), :2]
    low, high = oval.min(1), oval.max(1)
    return np.concatenate([(low + high) / 2, (high - low).max(1, keepdims=True) / 2], 1)


LOWER, WIDE = 0.62, 0.7
"""The window of the lower face: how far its middle lies below the points that do not move when a person speaks, and
half its side, in halves of the face's box."""


def lower_face(points: NDArray[np.float32], half: float, wider: float = 1.0) -> Window:
    """The upright square around mouth and jaw; its size is the clip's, its place the picture's own.

    Args:
        points: [n, 478, 3] in pixels.
        half: of the face's box, see `boxes`.
        wider: by how much the square is larger, around the same middle.
    """
    left, right = (points[:, list(corners), :2].mean(1) for corners in EYE_CORNERS)
    turn = np.arctan2(*(right - left)[:, ::-1].T)
    fixed = (left + right + points[:, NOSE_BASE, :2].mean(1)) / 3
    down = np.stack([-np.sin(turn), np.cos(turn)], 1)
    middle = fixed + LOWER * half * down
    return Window(
        torch.tensor(middle, dtype=torch.float32),
        torch.full((len(points),), WIDE * half * wider),
        torch.tensor(turn, dtype=torch.float32),
    )


def cut(picture: Tensor, window: Window, side: int) -> Tensor:
    """What stands in windows, [n, channels, side, side] of float pictures [n, channels, height, width]."""
    height, width = picture.shape[-2:]
    size = picture.new_tensor([width, height])
    theta = torch.cat(
        [
            window._matrix() * window.half[:, None, None] * 2 / size[:, None],
            (2 * window.middle / size - 1)[..., None],
        ],
        2,
    )
    grid = affine_grid(theta, [len(picture), picture.shape[1], side, side], align_corners=False)
    return grid_sample(picture, grid, padding_mode="border", align_corners=False)
