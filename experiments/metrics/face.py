"""face: what people look at, the talker's face and mouth, and whether expression, pose and eyes are the talker's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.clip import Clip, ClipError, Playback
from lossweep.endpoints.endpoint import Truth
from lossweep.experiments.metrics.metric import ClipMetric, MetricError, Picture
from lossweep.experiments.metrics.pairing import pairs

if TYPE_CHECKING:
    from lossweep.endpoints.syncsc.extractor_network import Window

FACE_SIDE, MOUTH_SIDE = 128, 64
"""Pixels to which the squares are scaled."""
CLOSED = 0.5
"""An eye opening below this share of the clip's median is a closed eye."""


class Face(ClipMetric):
    """Distances of the shown face from the talker's, over every `every`-th frame.

    Columns: `face_lpips` and `mouth_lpips`, LPIPS (SqueezeNet) of the square around the face and around the mouth, cut
    from both pictures where the face stands in the clip; `aed`, mean absolute difference of the six expression
    coefficients in standard deviations; `apd`, mean absolute difference of the three rotation angles in degrees;
    `eye_closure`, frames in which both have closed eyes over frames in which one has (nan where nobody closes
    them). Coefficients are read by the extractor that ships from both pictures; the last three columns are over the
    pictures in which it finds a face, and nan where there is none.

    Args:
        every: frames from one scored frame to the next.
    Raises:
        ValueError: every < 1.
    Source: AED and APD: Ren et al. 2021 (PIRenderer), section 4.1, with this project's face model.
    """

    name = "face"
    higher_is_better = False
    label = "LPIPS of the face"
    needs = "video"
    columns = ("face_lpips", "mouth_lpips", "aed", "apd", "eye_closure")
    opposite = ("eye_closure",)

    def __init__(self, device: str = "cpu", every: int = 5) -> None:
        super().__init__(device)
        from lossweep.experiments.metrics.lip_sync.faces import FaceFinder
        from lossweep.experiments.metrics.lpips.metric import Lpips

        self.check(every)
        self.every = every
        self._lpips = Lpips(device)
        self._finder = FaceFinder(device)
        self.weights_sha256 = self._lpips.weights_sha256

    @classmethod
    def check(cls, every: int = 5) -> None:
        """Refuses what is no number of frames.

        Raises:
            ValueError: naming it.
        """
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise ValueError(f"metric face: every is {every!r}; it is a number of frames, 1 or more")

    def forget(self) -> None:
        """Drops what is kept for the next cells (for benchmarks)."""
        self._lpips.forget()

    def score(self, reference: Clip, playback: Playback, truth: Truth) -> dict[str, float]:
        """A value for each of `columns`.

        Raises:
            MetricError: the clip shows no face, naming it.
        """
        paired = pairs(reference, playback)[:: self.every]
        assert reference.video is not None
        wanted = [Picture.of(reference.video[i]) for _, i in paired]
        shown = [
            Picture(pixels, playback.digests[i])
            for pixels, (i, _) in zip(playback.pictures([i for i, _ in paired]), paired, strict=True)
        ]
        try:
            usual = self._finder.usual_points(reference.video)
        except ClipError as error:
            raise MetricError(f"face: clip {reference.name}: {error}") from None
        real, seen = (
            self._finder.points([p.pixels for p in some], [p.digest for p in some], usual)
            for some in (wanted, shown)
        )
        return {
            "face_lpips": self._distance(shown, wanted, _face_windows(real), FACE_SIDE),
            "mouth_lpips": self._distance(shown, wanted, _mouth_windows(real, usual), MOUTH_SIDE),
            **_motion(real, seen, (seen != usual).any(axis=(1, 2))),
        }

    def _distance(
        self, shown: Sequence[Picture], wanted: Sequence[Picture], windows: Window, side: int
    ) -> float:
        """Mean LPIPS of the same window of both pictures."""
        cuts = [
            [_cut(picture, windows, i, side) for i, picture in enumerate(some)] for some in (shown, wanted)
        ]
        return float(np.mean(self._lpips.scores(list(zip(*cuts, strict=True)))))


def _cut(picture: Picture, windows: Window, i: int, side: int) -> Picture:
    import torch

    from lossweep.endpoints.syncsc.extractor_network import Window
    from lossweep.experiments.metrics.lip_sync.faces import cut

    one = Window(windows.middle[i : i + 1], windows.half[i : i + 1], windows.turn[i : i + 1])
    pixels = torch.from_numpy(np.ascontiguousarray(picture.pixels)).permute(2, 0, 1)[None].float()
    square = cut(pixels, one, side)[0].permute(1, 2, 0)
    return Picture.of(square.round().clamp(0, 255).to(torch.uint8).numpy())


def _face_windows(points: NDArray[np.float32]) -> Window:
    import torch

    from lossweep.endpoints.syncsc.extractor_network import Window
    from lossweep.experiments.metrics.lip_sync.faces import boxes

    box = torch.from_numpy(boxes(points))
    return Window(box[:, :2], box[:, 2], torch.zeros(len(box)))


def _mouth_windows(points: NDArray[np.float32], usual: NDArray[np.float32]) -> Window:
    from lossweep.experiments.metrics.lip_sync.faces import boxes, lower_face

    return lower_face(points, float(boxes(usual[None])[0, 2]))


def _motion(
    real: NDArray[np.float32], seen: NDArray[np.float32], found: NDArray[np.bool_]
) -> dict[str, float]:
    """Distances of expression, pose and eyes, from landmarks [frames, 478, 3] of both, where a face was found."""
    from lossweep.endpoints.syncsc.face_model import EXPRESSION, EYES, ROTATION, FaceModel

    if not found.any():
        return dict.fromkeys(("aed", "apd", "eye_closure"), float("nan"))
    model = FaceModel.load()
    identity, of_real = model.fit(real)
    of_real, of_seen = of_real[found], model.fit(seen[found], identity)[1]
    apart = np.abs(of_real - of_seen)
    least = CLOSED * np.median(of_real[:, EYES])
    closed = [of[:, EYES][:, 0] < least for of in (of_real, of_seen)]
    either = np.count_nonzero(closed[0] | closed[1])
    return {
        "aed": float((apart / model.scale)[:, EXPRESSION].mean()),
        "apd": float(np.degrees(apart[:, ROTATION]).mean()),
        "eye_closure": np.count_nonzero(closed[0] & closed[1]) / either if either else float("nan"),
    }
