"""The shipped expert at work."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.endpoints.clip import SPEECH_RATE
from lossweep.experiments.metrics.lip_sync.error import FPS
from lossweep.experiments.metrics.lip_sync.faces import FaceFinder, boxes, cut, lower_face
from lossweep.experiments.metrics.lip_sync.lrasd import SIDE
from lossweep.experiments.metrics.lip_sync.mfcc import mfcc
from lossweep.experiments.metrics.lip_sync.mouth_geometry import measures
from lossweep.experiments.metrics.lip_sync.network import CEPSTRA_A_FRAME, SyncNetwork
from lossweep.experiments.metrics.metric import MetricAbsent, luma

SHIPPED = Path(__file__).parent / "lossweep_sync.safetensors"


class LossweepSync:
    """The expert that ships (`CARD.md` says what it is worth).

    Raises:
        MetricAbsent: its weights are not there or cannot be read.
    """

    padded = False

    def __init__(self, device: str = "cpu", weights: Path = SHIPPED) -> None:
        from safetensors.torch import load_file

        self.network = SyncNetwork()
        try:
            self.weights_sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
            self.network.load_state_dict({name: value.float() for name, value in load_file(weights).items()})
        except Exception as error:
            why = " ".join(str(error).split())[:200]
            raise MetricAbsent(f"lip_sync: {weights} cannot be read ({why}); install again") from None
        self.network.requires_grad_(False).eval()
        for block in (
            self.network.pictures.block1,
            self.network.pictures.block2,
            self.network.pictures.block3,
        ):
            block.fuse()
        self.network.to(device, memory_format=torch.channels_last)
        self.label = f"lossweep-sync {self.weights_sha256[:8]}"
        self._device = device
        self._finder = FaceFinder(device)

    def usual_points(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """See `Expert.usual_points`."""
        return self._finder.usual_points(pictures)

    @torch.inference_mode()
    def embed_pictures(
        self, pictures: Sequence[NDArray[np.uint8]], digests: Sequence[str], usual: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """See `Expert.embed_pictures`; the mean with what the mirror images give."""
        points = self._finder.points(pictures, digests, usual)
        half = float(boxes(usual[None])[0, 2])
        crops, mouth = lower_faces(pictures, points, half), torch.from_numpy(measures(points, half))
        looks = [
            self.network.features_seen(look.to(self._device), mouth.to(self._device))
            for look in (crops, crops.flip(-1))
        ]
        return self.network.seen(*looks).cpu().numpy()

    @torch.inference_mode()
    def embed_speech(self, speech: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Expert.embed_speech`."""
        features = self.network.features_heard(cepstra(speech).to(self._device))
        return self.network.heard(features).cpu().numpy()


def lower_faces(
    pictures: Sequence[NDArray[np.uint8]], points: NDArray[np.float32], half: float, side: int = SIDE
) -> Tensor:
    """Lower faces, float32 [frames, side, side], grey in 0..255.

    Args:
        pictures: uint8 [height, width, 3] RGB.
        points: of the face in each, [frames, 478, 3] in pixels.
        half: of the face's box.
        side: 112; a larger one shows more around the same.
    """
    crops = []
    for picture, place in zip(pictures, points, strict=True):
        grey = torch.from_numpy(luma(picture)).float()[None, None]
        crops.append(cut(grey, lower_face(place[None], half, side / SIDE), side)[0, 0])
    return torch.stack(crops)


def cepstra(speech: NDArray[np.float32]) -> Tensor:
    """Cepstra of whole frames, [4 frames, 13] of [640 frames] samples; the last one or two are repeated."""
    wanted = len(speech) * FPS // SPEECH_RATE * CEPSTRA_A_FRAME
    found = mfcc(speech)[:wanted]
    return torch.from_numpy(np.pad(found, ((0, wanted - len(found)), (0, 0)), mode="edge"))
