"""The keypoint baseline as an endpoint: eight points per frame in place of face coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from lossweep.endpoints.syncsc import MODEL
from lossweep.endpoints.syncsc.face_endpoint import FaceEndpoint, FaceParams
from lossweep.endpoints.syncsc.face_model import COEFFICIENTS
from lossweep.endpoints.syncsc.fom.networks import KEYPOINTS, FomNetwork
from lossweep.endpoints.syncsc.generator.renderer import Renderer
from lossweep.endpoints.syncsc.semantics import Scaling
from lossweep.endpoints.syncsc.tracker import Tracked
from lossweep.endpoints.weights import load

SHIPPED = MODEL / "fom.safetensors"


class FomParams(FaceParams):
    """Options of the keypoint endpoint; see `FaceParams`."""

    name: Literal["fom"] = "fom"
    drawing: Literal["keypoints"] = "keypoints"


class FomEndpoint(FaceEndpoint):
    """A talking face as 8 keypoints per frame, first-order-motion style; the baseline of the paper's Table I.

    The keypoints' 16 float16 numbers take the place of the coefficients; see `FomNetwork` and `FaceEndpoint`.
    It takes codes that protect packets: those of faces know how coefficients move, not keypoints.
    """

    Params = FomParams
    title = "FOM"
    shows_lips = False
    protected_by: ClassVar[tuple[str, ...]] = ("packets",)

    @classmethod
    def scaling(cls) -> Scaling:
        """Keypoints are sent as they are, in [-1, 1]."""
        return Scaling(np.zeros(COEFFICIENTS, np.float32), np.ones(COEFFICIENTS, np.float32))

    @classmethod
    def renderer(cls, name: str, device: str) -> Renderer:
        """The only one."""
        return _renderer(device)

    @torch.inference_mode()
    def _track(self, pictures: Sequence[NDArray[np.uint8]]) -> Tracked:
        network = load_network(SHIPPED).to(self.device)
        found = [network.detector(as_tensor(p).to(self.device)).cpu().numpy() for p in pictures]
        return Tracked(np.zeros(0, np.float32), np.concatenate(found).reshape(len(pictures), COEFFICIENTS))


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


@lru_cache(maxsize=2)
def load_network(path: Path) -> FomNetwork:
    """The trained network; errors as `weights.load`."""
    return load(path, "fom", FomNetwork())


@lru_cache(maxsize=2)
def _renderer(device: str) -> KeypointRenderer:
    return KeypointRenderer.load(device)
