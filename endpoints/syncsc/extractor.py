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
from lossweep.endpoints.syncsc.extractor_network import LOOK_SIDE, ExtractorNetwork, Window, around
from lossweep.endpoints.syncsc.face_model import FaceModel
from lossweep.endpoints.syncsc.tracker import Tracked, fit_face, several_faces
from lossweep.endpoints.weights import load

SHIPPED = MODEL / "extractor.safetensors"
PRESENT = 0.0
"""Logit from which on a window is taken to show a face."""
FIRST_LOOKS = (1.0, 0.92, 1.08, 1.0, 0.96, 1.04)
"""Sizes of the windows whose mean gives the person's shape, around the first one found."""


class ExtractorTracker:
    """Finds the face in the first frame, then looks where it last was.

    Args:
        network: trained.
        largest: take the largest of several faces.
    """

    def __init__(self, network: ExtractorNetwork, device: str = "cpu", largest: bool = False) -> None:
        self.model = FaceModel.load()
        self.network = network.to(device, memory_format=torch.channels_last).eval()
        self.device = device
        self.largest = largest

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
                points, presence = self.look(shown, around(points[None]))
                if presence < PRESENT:
                    points = self._search(shown)
                    if points is None:
                        raise ClipError(f"no face in frame {i}; choose a clip that shows one throughout")
            yield points.cpu().numpy()

    def look(self, picture: Tensor, *windows: Window, find: bool = False) -> tuple[Tensor, float]:
        """Points [478, 3] in pixels seen through windows of a picture [1, 3, h, w], their mean; presence logit.

        A face that the reader doubts is there where the finder says so.

        Args:
            find: the face may be anywhere in the windows, or not there; else it is about in the middle.
        """
        middle, half, turn = (
            torch.cat([getattr(w, name).to(self.device) for w in windows])
            for name in ("middle", "half", "turn")
        )
        window = Window(middle, half, turn)
        seen = window.look(picture.expand(len(windows), -1, -1, -1))
        out = self.network(seen, find)
        presence = float(out.presence.mean())
        if not find and presence < PRESENT:  # The finder knows turned and blurred faces better.
            presence = float(self.network(seen, find=True).presence.mean())
        return window.outside(out.points).mean(0), presence

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
                points, presence = self.look(picture, window, find=True)
                if presence > PRESENT and (best is None or presence > best[0]):
                    best = presence, points
            if best is not None:
                points = best[1]
                _, presence = self.look(picture, around(points[None], LOOK_SIDE), find=True)
                for _ in range(2):
                    points, read = self.look(picture, around(points[None], LOOK_SIDE))
                    presence = min(presence, read)
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
                found, presence = self.look(picture, window, find=True)
                if presence > PRESENT:
                    found, presence = self.look(picture, around(found[None], LOOK_SIDE), find=True)
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
