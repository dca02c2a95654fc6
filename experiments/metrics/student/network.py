"""The network of lpips_student."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

CELLS = 8
"""Local distances are compared with the teacher's on CELLS x CELLS cells of a picture."""

STAGES = (
    ((3, 16, 2),),
    ((16, 32, 2), (32, 32, 1)),
    ((32, 64, 2), (64, 64, 1)),
    ((64, 96, 2), (96, 96, 1)),
    ((96, 128, 2), (128, 128, 1)),
)
"""3 x 3 convolutions (channels in, channels out, stride) of the five stages, at 1/2 to 1/32 of the size."""


class Student(nn.Module):
    """Five stages of convolutions; the features of each, unit-normalised and weighted, make the distance.

    It is a sum of squared differences of features, so never negative, 0 for equal pictures, and symmetric.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            nn.ModuleList(nn.Conv2d(i, o, 3, stride, 1) for i, o, stride in stage) for stage in STAGES
        )
        self.gains = nn.ParameterList(nn.Parameter(torch.full((stage[-1][1], 1, 1), 0.4)) for stage in STAGES)
        for parameter in self.stages.parameters():
            if parameter.ndim == 4:
                nn.init.kaiming_normal_(parameter, nonlinearity="relu")

    def maps(self, pixels: Tensor) -> list[Tensor]:
        """Weighted features, stage by stage.

        Args:
            pixels: uint8 [pictures, height, width, 3], RGB, sides of at least 32.
        Returns:
            float32 [pictures, channels, rows, columns] each; non-negative, at most `peaks`.
        """
        hidden = pixels.permute(0, 3, 1, 2).float() / 127.5 - 1
        hidden = hidden.contiguous(memory_format=torch.channels_last)
        maps = []
        for stage, gain in zip(self.stages, self.gains, strict=True):
            for convolution in stage:
                hidden = relu(convolution(hidden))
            norm = torch.linalg.vector_norm(hidden, dim=1, keepdim=True)
            maps.append(hidden * (1 / (norm + 0.03)) * gain.abs())
        return maps

    def peaks(self) -> list[float]:
        """Upper bound of the maps of each stage."""
        return [gain.abs().max().item() for gain in self.gains]


def cell_distances(maps: list[Tensor], group: int) -> Tensor:
    """Local distances between all pictures of each group; their mean over cells is the distance.

    By |a|^2 + |b|^2 - 2 ab on each cell, which takes far less memory traffic than all differences.

    Args:
        maps: of `Student.maps` for pictures that stand group by group; sides are multiples of CELLS.
        group: pictures a group.
    Returns:
        float32 [groups, CELLS, CELLS, group, group].
    """
    total = 0.0
    for layer in maps:
        pictures, channels, side, _ = layer.shape
        step = side // CELLS
        cells = layer.permute(0, 2, 3, 1).reshape(-1, group, CELLS, step, CELLS, step * channels)
        cells = cells.permute(0, 2, 4, 1, 3, 5).reshape(-1, group, step * step * channels)
        products = torch.bmm(cells, cells.transpose(1, 2))
        norms = products.diagonal(dim1=1, dim2=2)
        squared = norms[:, :, None] + norms[:, None, :] - 2 * products
        total = total + squared.view(pictures // group, CELLS, CELLS, group, group) / step**2
    return total.clamp(min=0)
