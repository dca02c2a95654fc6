"""Renderers: ways to draw a face from a reference picture and 16 numbers."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.registry import Registry
from lossweep.endpoints.syncsc.face_model import FaceModel
from lossweep.endpoints.syncsc.generator.warp import warp

RENDERERS = Registry(
    "drawing",
    "lossweep.drawings",
    {
        "generator": "lossweep.endpoints.syncsc.generator.generator:Generator",
        "warp": "lossweep.endpoints.syncsc.generator.renderer:BareWarp",
        "frozen": "lossweep.endpoints.syncsc.generator.renderer:Frozen",
    },
)


class Renderer(Protocol):
    """A receiver's way to draw. Each picture depends on its own numbers alone, not on what it is drawn with.

    A class method `load(device)` makes one.
    """

    def draw(
        self,
        reference: NDArray[np.uint8],
        reference_coefficients: NDArray[np.floating],
        identity: NDArray[np.floating],
        coefficients: NDArray[np.floating],
    ) -> NDArray[np.uint8]:
        """Pictures of the face of `reference` as the coefficients say.

        Args:
            reference: uint8 [256, 256, 3], RGB.
            reference_coefficients: [16], of the face in the reference; see `FaceModel`.
            identity: [ids].
            coefficients: [frames, 16].
        Returns:
            uint8 [frames, 256, 256, 3].
        """
        ...


class BareWarp:
    """Warps the reference picture by the face model's points, without a network; see `warp`."""

    @classmethod
    def load(cls, device: str = "cpu") -> BareWarp:
        """There is nothing to load; the device is not used."""
        return cls()

    def draw(
        self, reference: NDArray, reference_coefficients: NDArray, identity: NDArray, coefficients: NDArray
    ) -> NDArray[np.uint8]:
        """See `Renderer.draw`."""
        model = FaceModel.load()
        here = model.landmarks(identity, reference_coefficients)
        return warp(reference, here, model.landmarks(identity, np.atleast_2d(coefficients)))


class Frozen:
    """Shows the reference picture only: the trivial system with 0 bits per pixel."""

    @classmethod
    def load(cls, device: str = "cpu") -> Frozen:
        """There is nothing to load."""
        return cls()

    def draw(
        self, reference: NDArray, reference_coefficients: NDArray, identity: NDArray, coefficients: NDArray
    ) -> NDArray[np.uint8]:
        """See `Renderer.draw`."""
        return np.repeat(reference[None], len(np.atleast_2d(coefficients)), 0)
