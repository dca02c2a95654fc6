"""Pictures at several degrees of blur, and how they move: scale-space flow."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from lossweep.endpoints.jscc.flow_network import warp

LEVELS = 5
"""The picture itself, and four that are averaged over 2, 4, 8 and 16 pixels."""


def scale_space(picture: Tensor) -> Tensor:
    """The picture at every degree of blur, the sharpest first: [batch, LEVELS * channels, height, width].

    Args:
        picture: [batch, channels, height, width]; both sides are multiples of 16.
    """
    size = picture.shape[-2:]
    levels = [picture]
    for i in range(1, LEVELS):
        small = functional.avg_pool2d(picture, 2**i)
        levels.append(functional.interpolate(small, size, mode="bilinear", align_corners=False))
    return torch.cat(levels, 1)


def scale_space_warp(picture: Tensor, flow: Tensor) -> Tensor:
    """The picture sampled where the flow points, and blurred where the flow says so; as `picture`.

    Args:
        picture: [batch, channels, height, width].
        flow: [batch, 3, height, width]: x and y in pixels, and the degree of blur from 0 to LEVELS - 1, linear
            between the levels of `scale_space`; values outside are clamped.

    Source: Agustsson et al. 2020, "Scale-space flow for end-to-end optimized video compression". There the blur is
    Gaussian; here it is a mean over squares, which is cheaper.
    """
    channels = picture.shape[1]
    moved = warp(scale_space(picture), flow[:, :2])
    moved = moved.view(len(picture), LEVELS, channels, *picture.shape[2:])
    degree = flow[:, 2].clamp(0, LEVELS - 1)
    level = torch.arange(LEVELS, dtype=flow.dtype, device=flow.device).view(1, LEVELS, 1, 1)
    weights = (1 - (degree[:, None] - level).abs()).clamp(min=0)
    return (moved * weights[:, :, None]).sum(1)
