"""The image generator that ships: draws each frame from the reference picture and its 16 numbers."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.endpoints.syncsc import MODEL
from lossweep.endpoints.syncsc.face_model import FaceModel
from lossweep.endpoints.syncsc.generator.conditioning import fields, mapping_input
from lossweep.endpoints.syncsc.generator.networks import Network
from lossweep.endpoints.weights import load

SHIPPED = MODEL / "generator.safetensors"
TOGETHER = {"cpu": 1, "cuda": 32}
"""Pictures in a batch. One on the CPU costs 5 % and makes each picture the same bit for bit in any company."""


class Generator:
    """Moves the reference by the face model's points, corrects that, and paints what it cannot bring."""

    def __init__(self, network: Network, device: str = "cpu") -> None:
        self.model = FaceModel.load()
        # Pixel by pixel in memory: a third less time on the CPU.
        self.network = network.to(torch.device(device)).to(memory_format=torch.channels_last).eval()
        self.device = device

    @classmethod
    def load(cls, device: str = "cpu") -> Generator:
        """With the weights that ship."""
        return cls(load_network(SHIPPED), device)

    def draw(
        self, reference: NDArray, reference_coefficients: NDArray, identity: NDArray, coefficients: NDArray
    ) -> NDArray[np.uint8]:
        """See `Renderer.draw`."""
        return self.draw_both(reference, reference_coefficients, identity, coefficients)[1]

    @torch.inference_mode()
    def draw_both(
        self, reference: NDArray, reference_coefficients: NDArray, identity: NDArray, coefficients: NDArray
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The warped and the edited pictures, uint8 [frames, 256, 256, 3] each; arguments as of `Renderer.draw`."""
        wanted = np.atleast_2d(coefficients)
        together = TOGETHER[torch.device(self.device).type]
        picture = torch.from_numpy(np.ascontiguousarray(reference)).permute(2, 0, 1)[None].float()
        picture = (picture / 127.5 - 1).to(self.device, memory_format=torch.channels_last)
        here = self.model.landmarks(identity, reference_coefficients)
        # NumPy first, then the networks: their threads are in each other's way.
        maps = torch.from_numpy(fields(here, self.model.landmarks(identity, wanted))).to(self.device)
        vectors = torch.from_numpy(mapping_input(self.model, reference_coefficients, wanted)).to(self.device)
        warped, edited = [torch.zeros(0, 3, 256, 256)], [torch.zeros(0, 3, 256, 256)]
        for i in range(0, len(wanted), together):
            some = maps[i : i + together]
            drawn = self.network(picture.expand(len(some), -1, -1, -1), some, vectors[i : i + together])
            warped.append(drawn.warped.cpu())
            edited.append(drawn.edited.cpu())
        return _pixels(torch.cat(warped)), _pixels(torch.cat(edited))


def _pixels(pictures: Tensor) -> NDArray[np.uint8]:
    return ((pictures + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()


@lru_cache(maxsize=2)
def load_network(path: Path) -> Network:
    """The trained network; errors as `weights.load`."""
    return load(path, "generator", Network())
