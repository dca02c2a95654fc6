"""The extractor at work: follows a face from frame to frame with the network that ships."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.endpoints.clip import ClipError
from lossweep.endpoints.syncsc import MODEL
from lossweep.endpoints.syncsc.extractor_network import LOOK_SIDE, ExtractorNetwork, Shapes, Window, around
from lossweep.endpoints.syncsc.face_model import FaceModel
from lossweep.endpoints.syncsc.tracker import Tracked, fit_face, several_faces
from lossweep.endpoints.weights import load

SHIPPED = MODEL / "extractor.safetensors"
PRESENT = 0.0
"""Logit from which on a window is taken to show a face."""
FIRST_LOOKS = (1.0, 0.92, 1.08, 1.0, 0.96, 1.04)
"""Sizes of the windows whose mean gives the person's shape, around the first one found."""

NEXT_LOOKS = (0.94, 1.06)
"""Sizes of the windows around where the face last was, whose mean gives the next frame's points."""


class ExtractorTracker:
    """Finds the face in the first frame, then looks where it last was; each look also in the mirror.

    Args:
        network: trained.
        largest: take the largest of several faces.
    """

    def __init__(self, network: ExtractorNetwork, device: str = "cpu", largest: bool = False) -> None:
        self.model = FaceModel.load()
        self.network = network.to(device).eval()
        self.shapes = Shapes(self.model).to(device)
        self.device = device
        self.largest = largest
        self._opposite = torch.from_numpy(self.model.mirrored).to(device)

    @classmethod
    def load(cls, device: str = "cpu", largest: bool = False, folder: str = "") -> ExtractorTracker:
        """With the weights that ship."""
        return cls(load_network(SHIPPED), device, largest)

    def track(self, pictures: Sequence[NDArray[np.uint8]]) -> Tracked:
        """See `Tracker.track`."""
        return fit_face(np.stack(list(self.follow(pictures))), self.model)

    @torch.inference_mode()
    def follow(self, pictures: Sequence[NDArray[np.uint8]]) -> Iterator[NDArray[np.float32]]:
        """Points [478, 3] in pixels, picture after picture.

        Raises:
            ClipError: as `Tracker.track`.
        """
        points = None
        for i, picture in enumerate(pictures):
            shown = self._tensor(picture)
            if points is None:
                points = self._first(shown)
            else:
                near = (around(points[None], LOOK_SIDE * size) for size in NEXT_LOOKS)
                points, presence = self.look(shown, *near)
                if presence < PRESENT:
                    points = self._search(shown)
                    if points is None:
                        raise ClipError(f"no face in frame {i}; choose a clip that shows one throughout")
            yield points.cpu().numpy()

    def look(self, picture: Tensor, *windows: Window) -> tuple[Tensor, float]:
        """Points [478, 3] in pixels seen through windows of a picture [1, 3, h, w], their mean; presence logit."""
        middle, half, turn = (
            torch.cat([getattr(w, name).to(self.device) for w in windows])
            for name in ("middle", "half", "turn")
        )
        window = Window(middle, half, turn)
        seen = window.look(picture.expand(len(windows), -1, -1, -1))
        said = self.network(torch.cat([seen, seen.flip(-1)]))
        straight, mirrored = self.shapes(said).chunk(2)
        mirrored = mirrored[:, self._opposite] * mirrored.new_tensor([-1, 1, 1])
        return window.outside((straight + mirrored) / 2).mean(0), float(said.presence.mean())

    def _tensor(self, picture: NDArray[np.uint8]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(picture)).to(self.device).permute(2, 0, 1)[None] / 255

    def _first(self, picture: Tensor) -> Tensor:
        points = self._search(picture)
        if points is None:
            raise ClipError("no face in frame 0; choose a clip that shows one throughout")
        if not self.largest and self._another(picture, points):
            raise several_faces()
        looks = []
        for size in FIRST_LOOKS:
            points, _ = self.look(picture, around(points[None], LOOK_SIDE * size))
            looks.append(points)
        return torch.stack(looks[1:]).mean(0)

    def _search(self, picture: Tensor) -> Tensor | None:
        """The largest face: the whole picture first, then smaller windows; two looks to settle, one to be sure."""
        height, width = picture.shape[-2:]
        for share in (1.0, 0.7, 0.5):
            best: tuple[float, Tensor] | None = None
            for window in windows(height, width, share):
                points, presence = self.look(picture, window)
                if presence > PRESENT and (best is None or presence > best[0]):
                    best = presence, points
            if best is not None:
                points = best[1]
                for _ in range(2):
                    points, presence = self.look(picture, around(points[None], LOOK_SIDE))
                if presence > PRESENT:
                    return points
        return None

    def _another(self, picture: Tensor, points: Tensor) -> bool:
        """Whether a face stands beside the one found, in windows that hardly meet its box."""
        box = around(points[None], 1.0)
        height, width = picture.shape[-2:]
        for share in (0.7, 0.5, 0.35):
            for window in windows(height, width, share):
                apart = (window.middle - box.middle.cpu()).abs().amax() - window.half[0] - box.half[0].cpu()
                if apart < -0.25 * float(window.half[0]):
                    continue
                found, presence = self.look(picture, window)
                if presence > PRESENT:
                    found, presence = self.look(picture, around(found[None], LOOK_SIDE))
                    again = around(found[None], 1.0)
                    far = (again.middle - box.middle).abs().amax() > box.half[0]
                    if presence > PRESENT and bool(far):
                        return True
        return False


def windows(height: int, width: int, share: float) -> list[Window]:
    """Square windows of `share` of the shorter side, overlapping by half, over a picture."""
    half = share * min(height, width) / 2

    def middles(size: int) -> NDArray[np.float64]:
        return np.linspace(half, size - half, 1 + int(np.ceil((size - 2 * half) / half)))

    return [
        Window(torch.tensor([[x, y]], dtype=torch.float32), torch.tensor([half]), torch.zeros(1))
        for y in middles(height)
        for x in middles(width)
    ]


@lru_cache(maxsize=2)
def load_network(path: Path) -> ExtractorNetwork:
    """The trained network; errors as `weights.load`."""
    return load(path, "extractor", ExtractorNetwork())
