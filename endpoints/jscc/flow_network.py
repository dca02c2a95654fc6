"""Optical flow by global matching, at an eighth of the resolution."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

FEATURES = 64
SCALE = 8
SOFTNESS = 0.05
"""Temperature of the softmax over positions; features have unit length."""


class FlowNetwork(nn.Module):
    """Flow from one picture to another and back, by the softmax over all correlations of their features.

    The correspondence of a place is the mean of all places, weighted by softmax(F1 F2^T / temperature); the flow is
    that less the place itself. A small network then corrects it from the features and the matched features.

    Source: Xu et al. 2022 (GMFlow), as Zhang et al. describe it in Section II-A; this one has no Transformer and no
    published weights.
    """

    def __init__(self) -> None:
        super().__init__()
        sizes = (3, 24, 40, FEATURES)
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Conv2d(before, after, 5, 2, 2), nn.PReLU(after)]
        self.features = nn.Sequential(
            *layers,
            nn.Conv2d(FEATURES, FEATURES, 3, padding=1),
            nn.PReLU(FEATURES),
            nn.Conv2d(FEATURES, FEATURES, 3, padding=1),
        )
        self.correct = nn.Sequential(
            nn.Conv2d(2 * FEATURES + 2, 64, 3, padding=1),
            nn.PReLU(64),
            nn.Conv2d(64, 64, 3, padding=1),
            nn.PReLU(64),
            nn.Conv2d(64, 2, 3, padding=1),
        )
        nn.init.zeros_(self.correct[-1].weight)
        nn.init.zeros_(self.correct[-1].bias)  # type: ignore[arg-type]

    def forward(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Flow from the first pictures to the second and back, [batch, 2, height/8, width/8] each, in pixels (x, y).

        Args:
            first, second: float32 [batch, 3, height, width] in [-1, 1].
        """
        one, other = self.features(torch.cat([first, second])).chunk(2)
        return self._flow(one, other), self._flow(other, one)

    def _flow(self, one: Tensor, other: Tensor) -> Tensor:
        batch, channels, rows, columns = one.shape
        unit, match = (functional.normalize(x, dim=1).flatten(2) for x in (one, other))
        weights = (unit.mT @ match / SOFTNESS).softmax(-1)
        grid = positions(rows, columns, one)
        flow = (weights @ grid.flatten(1).mT).mT.view(batch, 2, rows, columns) - grid
        matched = (weights @ other.flatten(2).mT).mT.view(batch, channels, rows, columns)
        return SCALE * (flow + self.correct(torch.cat([one, matched, flow], 1)))


def positions(rows: int, columns: int, like: Tensor) -> Tensor:
    """Column and row of every place, [2, rows, columns]."""
    y, x = torch.meshgrid(
        torch.arange(rows, device=like.device), torch.arange(columns, device=like.device), indexing="ij"
    )
    return torch.stack([x, y]).to(like.dtype)


def warp(picture: Tensor, flow: Tensor) -> Tensor:
    """The picture sampled where the flow points, [batch, channels, height, width]; borders are repeated.

    Args:
        flow: [batch, 2, h, w] in pixels of the picture, at any resolution; enlarged bilinearly.
    """
    height, width = picture.shape[-2:]
    if flow.shape[-2:] != (height, width):
        flow = functional.interpolate(flow, (height, width), mode="bilinear", align_corners=False)
    place = positions(height, width, picture) + flow
    size = torch.tensor([width, height], dtype=picture.dtype, device=picture.device).view(1, 2, 1, 1)
    grid = ((2 * place + 1) / size - 1).movedim(1, -1)
    return functional.grid_sample(picture, grid, padding_mode="border", align_corners=False)
