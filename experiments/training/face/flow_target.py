"""Optical flow between the pictures of training pairs, which the motion field learns from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lossweep.endpoints.syncsc.generator.warp import GRID, SIDE, sample
from lossweep.experiments.training.face.opencv import opencv

if TYPE_CHECKING:
    from lossweep.experiments.training.face.pairs import Batch

LOOKED_AT = 128
"""Side of the pictures between which flow is found."""
DOUBT = 0.05
"""Difference of grey (0 to 1) at which flow counts 1/e."""


def followed(batch: Batch) -> tuple[Tensor, Tensor]:
    """Where in the reference each place of the wanted picture comes from, as the pixels say.

    Returns:
        Displacement [n, 2, 64, 64] in pixels of a 256x256 picture; and its weight [n, 1, 64, 64] in (0, 1]: how
        alike the two places look.
    Source: Kroeger et al., Fast Optical Flow using Dense Inverse Search, ECCV 2016 (OpenCV's).
    """
    cv2 = opencv()
    grey = [_grey(pictures) for pictures in (batch.wanted, batch.reference)]
    wanted, reference = (np.uint8((g * 255).round().clamp(0, 255).squeeze(1).numpy()) for g in grey)
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    found = np.stack([search.calc(w, r, None) for w, r in zip(wanted, reference, strict=True)])
    flow = torch.from_numpy(found).permute(0, 3, 1, 2) * (SIDE / LOOKED_AT)
    apart = (sample(grey[1], flow) - grey[0]).abs()
    size = (GRID, GRID)
    weight = torch.exp(-functional.interpolate(apart, size=size, mode="area") / DOUBT)
    return functional.interpolate(flow, size=size, mode="area"), weight


def astray(displacement: Tensor, flow: Tensor, weight: Tensor) -> Tensor:
    """How far a motion field is from the flow: weighted mean of the distance in pixels (rounded off near 0)."""
    away = (displacement - flow).square().sum(1, keepdim=True)
    return (weight * ((away + 1).sqrt() - 1)).sum() / weight.sum()


def _grey(pictures: Tensor) -> Tensor:
    """[n, 3, 256, 256] in [-1, 1] as grey [n, 1, 128, 128] in [0, 1]."""
    grey = (pictures * pictures.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return functional.interpolate((grey + 1) / 2, size=(LOOKED_AT, LOOKED_AT), mode="area")
