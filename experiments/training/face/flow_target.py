"""Optical flow between the pictures of training pairs, the target of the motion field."""

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

FLOW_SIDE = 128
"""Side of the pictures from which the flow is computed, in pixels."""
FLOW_TOLERANCE = 0.05
"""Difference of grey (0 to 1) at which the weight of the flow is 1/e."""


def flow_target(batch: Batch) -> tuple[Tensor, Tensor]:
    """Optical flow from the target picture to the reference.

    Returns:
        Displacement [n, 2, 64, 64] in pixels of a 256x256 picture; and its weight [n, 1, 64, 64] in (0, 1], by
        the similarity of the two places.
    Source: Kroeger et al., Fast Optical Flow using Dense Inverse Search, ECCV 2016 (OpenCV's).
    """
    cv2 = opencv()
    grey = [_grey(pictures) for pictures in (batch.wanted, batch.reference)]
    wanted, reference = (np.uint8((g * 255).round().clamp(0, 255).squeeze(1).numpy()) for g in grey)
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    found = np.stack([search.calc(w, r, None) for w, r in zip(wanted, reference, strict=True)])
    flow = torch.from_numpy(found).permute(0, 3, 1, 2) * (SIDE / FLOW_SIDE)
    apart = (sample(grey[1], flow) - grey[0]).abs()
    size = (GRID, GRID)
    weight = torch.exp(-functional.interpolate(apart, size=size, mode="area") / FLOW_TOLERANCE)
    return functional.interpolate(flow, size=size, mode="area"), weight


def flow_loss(displacement: Tensor, flow: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean distance in pixels between a motion field and the flow, smooth near 0."""
    away = (displacement - flow).square().sum(1, keepdim=True)
    return (weight * ((away + 1).sqrt() - 1)).sum() / weight.sum()


def _grey(pictures: Tensor) -> Tensor:
    """[n, 3, 256, 256] in [-1, 1] as grey [n, 1, 128, 128] in [0, 1]."""
    grey = (pictures * pictures.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return functional.interpolate((grey + 1) / 2, size=(FLOW_SIDE, FLOW_SIDE), mode="area")
