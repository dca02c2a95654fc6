"""The keypoint baseline's network in use: keypoints of pictures, and pictures of keypoints."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lossweep.endpoints.syncsc import MODEL
from lossweep.endpoints.syncsc.face_model import COEFFICIENTS
from lossweep.endpoints.syncsc.fom.networks import KEYPOINTS, FomNetwork
from lossweep.endpoints.weights import load

SHIPPED = MODEL / "fom.safetensors"


class KeypointRenderer:
    """Draws a face from a reference picture and 8 keypoints; there is no identity. See `Renderer`."""

    def __init__(self, network: FomNetwork, device: str = "cpu") -> None:
        self.network, self.device = network.to(device).eval(), device

    @classmethod
    def load(cls, device: str = "cpu") -> KeypointRenderer:
        """With the weights that ship."""
        return cls(load_network(SHIPPED), device)

    @torch.inference_mode()
    def draw(
        self, reference: NDArray, reference_coefficients: NDArray, identity: NDArray, coefficients: NDArray
    ) -> NDArray[np.uint8]:
        """See `Renderer.draw`; coefficients are keypoints, (x, y) after (x, y)."""
        picture = as_tensor(reference).to(self.device)
        here = torch.tensor(reference_coefficients, dtype=torch.float32, device=self.device)
        out = [np.zeros((0, 256, 256, 3), np.uint8)]
        for row in np.atleast_2d(coefficients):
            there = torch.tensor(row, dtype=torch.float32, device=self.device)
            drawn = self.network(picture, here.view(1, KEYPOINTS, 2), there.view(1, KEYPOINTS, 2)).edited
            pixels = ((drawn + 1) * 127.5).round().clamp(0, 255).byte()
            out.append(pixels.permute(0, 2, 3, 1).cpu().numpy())
        return np.concatenate(out)


def as_tensor(picture: NDArray[np.uint8]) -> torch.Tensor:
    """uint8 [256, 256, 3] as float32 [1, 3, 256, 256] in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None] / 127.5 - 1


@torch.inference_mode()
def keypoints_of(pictures: Sequence[NDArray[np.uint8]], device: str) -> NDArray[np.float32]:
    """The keypoints of pictures [256, 256, 3], float32 [pictures, 16]: (x, y) after (x, y)."""
    network = load_network(SHIPPED).to(device)
    found = [network.detector(as_tensor(p).to(device)).cpu().numpy() for p in pictures]
    return np.concatenate(found).reshape(len(pictures), COEFFICIENTS)


@lru_cache(maxsize=2)
def load_network(path: Path) -> FomNetwork:
    """The trained network; errors as `weights.load`."""
    return load(path, "fom", FomNetwork())


@lru_cache(maxsize=2)
def renderer(device: str) -> KeypointRenderer:
    """The renderer with the weights that ship."""
    return KeypointRenderer.load(device)
