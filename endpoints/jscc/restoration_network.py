"""Restores pictures that crossed the channel as transform coefficients: noise and what was not sent."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lossweep.endpoints.jscc.layers import ResidualBlock

SIDE = 2
"""Pixels that one place of the features has, in both directions."""
COLOURS = 3 * SIDE * SIDE
WIDTH = 32
BLOCKS = 4
NEAR = 8
"""Pixels over which the local mean is taken; the pictures' sides are multiples of it."""
EXCHANGED = 8
"""Features of each place that come from the picture before, and as many from the one after."""
MIDDLE_DB, SPREAD_DB = -25.0, 10.0
SMALLEST_ERROR = 1e-7
"""Of the mean squared error of pixels from 0 to 1."""


class RestorationNetwork(nn.Module):
    """Adds to each picture of a group what its neighbours in space and time tell of it.

    It starts as the identity; what it adds is scaled by the error that the receiver expects. Every block shifts some
    features by one picture before its convolutions, so that all pictures of a group count.

    Source: own design; residual blocks with noise attention after Zhang et al., the shift after Lin et al., "TSM:
    Temporal Shift Module for Efficient Video Understanding", ICCV 2019.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unshuffle, self.shuffle = nn.PixelUnshuffle(SIDE), nn.PixelShuffle(SIDE)
        self.enter = nn.Conv2d(COLOURS + 2, WIDTH, 3, padding=1)
        self.blocks = nn.ModuleList(ResidualBlock(WIDTH) for _ in range(BLOCKS))
        self.leave = nn.Conv2d(WIDTH, COLOURS, 3, padding=1)
        for (
            block
        ) in self.blocks:  # a block that starts as the identity learns nothing behind a layer of zeros
            block.second.reset_parameters()  # type: ignore[operator, union-attr]
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(self, pictures: Tensor, errors: Tensor) -> Tensor:
        """Restored pictures, like `pictures`.

        Args:
            pictures: float32 [groups, frames, 3, height, width] in about [-1, 1]; sides are multiples of 8.
            errors: [groups, 2], expected mean squared errors by noise and by what was not sent, of pixels from 0 to 1.
        """
        frames = pictures.shape[1]
        scale = 2 * (errors.sum(1) + SMALLEST_ERROR).sqrt()[:, None, None, None, None]
        x = self.unshuffle(
            torch.asinh(_detail(pictures.flatten(0, 1)).unflatten(0, (-1, frames)) / scale).flatten(0, 1)
        )
        state = (10 * torch.log10(errors + SMALLEST_ERROR) - MIDDLE_DB) / SPREAD_DB
        state = state.repeat_interleave(frames, 0)
        given = state[:, :, None, None].expand(-1, -1, *x.shape[2:])
        x = self.enter(torch.cat([x, given], 1).contiguous(memory_format=torch.channels_last))
        for block in self.blocks:
            x = block(_exchange(x, frames), state)
        return pictures + scale * self.shuffle(self.leave(x)).unflatten(0, (-1, frames))


def _detail(pictures: Tensor) -> Tensor:
    """Pictures without their local mean: what the network sees does not depend on brightness."""
    small = functional.avg_pool2d(pictures, NEAR)
    return pictures - functional.interpolate(small, scale_factor=NEAR, mode="bilinear")


def _exchange(x: Tensor, frames: int) -> Tensor:
    """Some features from the picture before, some from the one after; at the ends a picture's own."""
    x = x.unflatten(0, (-1, frames))
    first, second = x[:, :, :EXCHANGED], x[:, :, EXCHANGED : 2 * EXCHANGED]
    before = torch.cat([first[:, :1], first[:, :-1]], 1)
    after = torch.cat([second[:, 1:], second[:, -1:]], 1)
    moved = torch.cat([before, after, x[:, :, 2 * EXCHANGED :]], 2).flatten(0, 1)
    return moved.contiguous(memory_format=torch.channels_last)
