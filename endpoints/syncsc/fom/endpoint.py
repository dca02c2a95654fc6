"""The keypoint baseline as an endpoint: eight points per frame in place of face coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.syncsc.face_endpoint import FaceEndpoint, FaceParams
from lossweep.endpoints.syncsc.face_model import COEFFICIENTS
from lossweep.endpoints.syncsc.semantics import Scaling
from lossweep.endpoints.syncsc.tracker import Tracked

if TYPE_CHECKING:
    from lossweep.endpoints.syncsc.generator.renderer import Renderer


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
        from lossweep.endpoints.syncsc.fom import renderer  # imports torch, which takes seconds

        return renderer.renderer(device)

    def _track(self, pictures: Sequence[NDArray[np.uint8]]) -> Tracked:
        from lossweep.endpoints.syncsc.fom.renderer import keypoints_of

        return Tracked(np.zeros(0, np.float32), keypoints_of(pictures, self.device))
