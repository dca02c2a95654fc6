"""The layers of MediaPipe's face landmark network in PyTorch: from a picture to 478 points and a face's presence."""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as functional
from torch import Tensor, nn

SIDE = 256
"""Pixels a side of the pictures that the network reads."""
POINTS = 478
WIDTHS = (16, 32, 64, 128, 128, 128, 128)
"""Channels by level; each level has half the places a side of the one before, from 128 to 2."""
BLOCKS = 4
"""Blocks a level, beside the one that halves."""


class FaceMesh(nn.Module):
    """34 bottleneck blocks with depthwise convolutions, and one linear layer over the last 2x2 places.

    1.2 M parameters.

    Source: the network `face_landmarks_detector` in MediaPipe's `face_landmarker.task` (float16, 2023, Apache-2.0),
    layer by layer; Kartynnik et al., Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs, 2019.
    Known deviation: the output that tells an open tongue (the third) is left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, WIDTHS[0], 3, stride=2)
        self.first_bend = nn.PReLU(WIDTHS[0])
        blocks = [Block(WIDTHS[0], WIDTHS[0]) for _ in range(BLOCKS)]
        for before, width in pairwise(WIDTHS):
            blocks += [Block(before, width, halves=True), *(Block(width, width) for _ in range(BLOCKS))]
        self.blocks = nn.Sequential(*blocks)
        self.points = nn.Conv2d(WIDTHS[-1], 3 * POINTS, 2)
        self.presence = nn.Conv2d(WIDTHS[-1], 1, 2)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Points and presence.

        Args:
            pictures: float32 [n, 3, 256, 256] in [0, 1], RGB.
        Returns:
            points float32 [n, 478, 3] in pixels of the picture (z away from the camera, same scale); presence
            float32 [n], the logit that a face stands in it.
        """
        # The first convolution has its border at the right and the bottom alone, as TensorFlow pads.
        x = self.first_bend(self.first(functional.pad(pictures, (0, 1, 0, 1))))
        x = self.blocks(x)
        return self.points(x).view(-1, POINTS, 3), self.presence(x).flatten()


class Block(nn.Module):
    """Narrow, look around, widen, add. With `halves` the narrowing looks at 2x2 places and steps by 2."""

    def __init__(self, inputs: int, outputs: int, halves: bool = False) -> None:
        super().__init__()
        inner, size = outputs // 2, 2 if halves else 1
        self.more, self.halves = outputs - inputs, halves
        self.narrow = nn.Conv2d(inputs, inner, size, stride=size)
        self.narrow_bend = nn.PReLU(inner)
        self.around = nn.Conv2d(inner, inner, 3, padding=1, groups=inner)
        self.widen = nn.Conv2d(inner, outputs, 1)
        self.bend = nn.PReLU(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[n, inputs, h, w] to [n, outputs, h, w], or half of h and w."""
        still = functional.max_pool2d(x, 2) if self.halves else x
        still = functional.pad(still, (0, 0, 0, 0, 0, self.more)) if self.more else still
        moved = self.widen(self.around(self.narrow_bend(self.narrow(x))))
        return self.bend(still + moved)
