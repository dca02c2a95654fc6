"""The extractor that ships: from a 256x256 picture to the numbers of the face model, by a small network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from lossweep.endpoints.syncsc.face_model import FaceModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 112
LOOK_SIDE = 1.3


class Seen(NamedTuple):
    """What the network says of pictures, in the window it looked through.

    Window coordinates run from -1 to 1. Tensors of [n, ...].

    Attributes:
        identity: [n, 80]; expression: [n, 6]; opening: [n, 1]: numbers of the face model.
        rotation: [n, 3], rotation vector in radians.
        log_scale: [n, 1], of window units an eye distance; origin: [n, 2], where the head's origin stands.
        presence: [n], logit that a whole face stands in the window.
    """

    identity: Tensor
    expression: Tensor
    opening: Tensor
    rotation: Tensor
    log_scale: Tensor
    origin: Tensor
    presence: Tensor


class ExtractorNetwork(nn.Module):
    """SqueezeNet 1.1's features (2 x 16 times downsampled) and one hidden layer over all places.

    1.7 M parameters. Takes pictures [n, 3, 112, 112] in [0, 1].
    """

    def __init__(self) -> None:
        super().__init__()
        self.mean: Tensor
        self.std: Tensor
        from torchvision.models import squeezenet1_1

        self.features = squeezenet1_1(weights=None).features
        self.narrow = nn.Conv2d(512, 96, 1)
        self.hidden = nn.Linear(96 * 36, 256)
        self.out = nn.Linear(256, 94)
        nn.init.normal_(self.out.weight, std=0.002)
        nn.init.zeros_(self.out.bias)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1), persistent=False)

    def forward(self, pictures: Tensor) -> Seen:
        """What is seen in pictures, float32 [n, 3, side, side] in [0, 1]."""
        x = ((pictures - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        x = functional.relu(self.narrow(self.features(x)))
        x = self.out(functional.relu(self.hidden(x.flatten(1))))
        identity, expression, opening, rotation, log_scale, origin, presence = x.split(
            (80, 6, 1, 3, 1, 2, 1), 1
        )
        return Seen(
            identity,
            expression,
            0.283 + 0.1 * opening,
            0.2 * rotation,
            log_scale - 0.9,
            origin,
            presence[:, 0],
        )


@dataclass(frozen=True)
class Window:
    """Square windows onto pictures: the middle [n, 2], half the side [n] (pixels) and the turn [n] (radians)."""

    middle: Tensor
    half: Tensor
    turn: Tensor

    def look(self, pictures: Tensor) -> Tensor:
        """What stands in the windows: [n, 3, 112, 112] of pictures [n, 3, height, width] in [0, 1]."""
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


class Shapes(nn.Module):
    """The face model as a torch module: from what the network says to points in the window."""

    def __init__(self, model: FaceModel) -> None:
        super().__init__()
        self.mean: Tensor
        self.identity_basis: Tensor
        self.expression_basis: Tensor
        self.lids: Tensor
        self.opening: Tensor
        for name in ("mean", "identity_basis", "expression_basis", "lids", "opening"):
            self.register_buffer(name, torch.tensor(getattr(model, name)), persistent=False)

    def forward(self, seen: Seen) -> Tensor:
        """Points [n, 478, 3] in window coordinates."""
        shape = self.mean + torch.tensordot(seen.identity, self.identity_basis, 1)
        shape = shape + torch.tensordot(seen.expression, self.expression_basis, 1)
        shape = shape + (seen.opening - self.opening)[..., None] * self.lids
        points = seen.log_scale.exp()[..., None] * (shape @ turned(seen.rotation).mT)
        return points + functional.pad(seen.origin, (0, 1))[:, None]


def turned(rotation: Tensor) -> Tensor:
    """Rotation matrices [n, 3, 3] of rotation vectors [n, 3]."""
    x, y, z = rotation.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.linalg.matrix_exp(torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).view(-1, 3, 3))


def around(points: NDArray[np.floating] | Tensor, side: float = LOOK_SIDE) -> Window:
    """The upright window around faces whose points [n, 478, 2 or 3] are known, `side` times their box."""
    from lossweep.endpoints.syncsc.face_model import EYE_CORNERS, OVAL

    points = torch.as_tensor(points, dtype=torch.float32)
    left, right = (points[:, list(corners), :2].mean(1) for corners in EYE_CORNERS)
    turn = torch.atan2(right[:, 1] - left[:, 1], right[:, 0] - left[:, 0])
    oval = points[:, list(OVAL), :2]
    low, high = oval.amin(1), oval.amax(1)
    return Window((low + high) / 2, side * (high - low).amax(1) / 2, turn)
