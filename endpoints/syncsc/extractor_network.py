"""The extractor that ships: from a picture to 478 points of the face, by a small network that looks through windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from lossweep.endpoints.syncsc.face_mesh import SIDE, FaceMesh

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOOK_SIDE = 1.5
"""Side of the window that the network reads best, over the side of the face's box."""


class Seen(NamedTuple):
    """What the network says of pictures, in the window it looked through.

    Attributes:
        points: float32 [n, 478, 3]; window coordinates run from -1 to 1 (z on the same scale, away from the camera).
        presence: float32 [n], logit that a whole face stands in the window.
    """

    points: Tensor
    presence: Tensor


class ExtractorNetwork(nn.Module):
    """Two networks of the same layers: one that finds a face in a window, one that reads a face once it is found.

    `finder` is trained further from MediaPipe's weights on this project's windows, for faces anywhere in them and for
    windows without one; `reader` is MediaPipe's, unchanged: it reads a face in the middle of the window more exactly
    than anything that this project trained. 2.4 M parameters together; each look runs one of the two.
    """

    def __init__(self) -> None:
        super().__init__()
        self.finder = FaceMesh()
        self.reader = FaceMesh()

    def forward(self, pictures: Tensor, find: bool = False) -> Seen:
        """What is seen in pictures, float32 [n, 3, 256, 256] in [0, 1].

        Args:
            find: by the finder, else by the reader.
        """
        network = self.finder if find else self.reader
        points, presence = network(pictures.contiguous(memory_format=torch.channels_last))
        return Seen(points * (2 / SIDE) - torch.tensor([1.0, 1.0, 0.0], device=points.device), presence)


@dataclass(frozen=True)
class Window:
    """Square windows onto pictures: the middle [n, 2], half the side [n] (pixels) and the turn [n] (radians)."""

    middle: Tensor
    half: Tensor
    turn: Tensor

    def look(self, pictures: Tensor) -> Tensor:
        """What stands in the windows: [n, 3, 256, 256] of pictures [n, 3, height, width] in [0, 1]."""
        height, width = pictures.shape[-2:]
        size = pictures.new_tensor([width, height])
        turn = self._matrix() * self.half[:, None, None]
        place = (2 * self.middle / size - 1)[..., None]
        theta = torch.cat([turn * 2 / size[:, None], place], 2)
        grid = functional.affine_grid(theta, [len(pictures), 3, SIDE, SIDE], align_corners=False)
        return functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)

    def inside(self, points: Tensor) -> Tensor:
        """Pixels [n, points, 2 or 3] in window coordinates (z only scaled)."""
        flat = (points[..., :2] - self.middle[:, None]) @ self._matrix() / self.half[:, None, None]
        return torch.cat([flat, points[..., 2:] / self.half[:, None, None]], -1)

    def outside(self, points: Tensor) -> Tensor:
        """Window coordinates [n, points, 2 or 3] in pixels."""
        flat = points[..., :2] * self.half[:, None, None] @ self._matrix().mT + self.middle[:, None]
        return torch.cat([flat, points[..., 2:] * self.half[:, None, None]], -1)

    def _matrix(self) -> Tensor:
        cos, sin = self.turn.cos(), self.turn.sin()
        return torch.stack([cos, -sin, sin, cos], -1).view(-1, 2, 2)


def around(points: NDArray[np.floating] | Tensor, side: float = LOOK_SIDE) -> Window:
    """The upright window around faces whose points [n, 478, 2 or 3] are known, `side` times their box."""
    from lossweep.endpoints.syncsc.face_model import EYE_CORNERS, OVAL

    points = torch.as_tensor(points, dtype=torch.float32)
    left, right = (points[:, list(corners), :2].mean(1) for corners in EYE_CORNERS)
    turn = torch.atan2(right[:, 1] - left[:, 1], right[:, 0] - left[:, 0])
    oval = points[:, list(OVAL), :2]
    low, high = oval.amin(1), oval.amax(1)
    return Window((low + high) / 2, side * (high - low).amax(1) / 2, turn)
