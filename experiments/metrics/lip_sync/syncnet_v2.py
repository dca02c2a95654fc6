"""SyncNet v2 at work: its face crops, its windows of sound."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import medfilt
from torch import Tensor
from torch.nn.functional import grid_sample

from lossweep.endpoints.clip import SPEECH_RATE
from lossweep.experiments.metrics.lip_sync.error import FPS
from lossweep.experiments.metrics.lip_sync.faces import FaceFinder, boxes
from lossweep.experiments.metrics.lip_sync.mfcc import mfcc
from lossweep.experiments.metrics.lip_sync.syncnet_network import CEPSTRA, FRAMES, NUMBERS, SIDE, load

CROP_SCALE = 0.4
GREY = 110
SMOOTHED = 13
AT_ONCE, SOUNDS_AT_ONCE = 8, 64
CEPSTRA_A_FRAME = 4


class SyncNetV2:
    """SyncNet v2 of a file.

    Known deviation: the published pipeline finds faces with S3FD; here the box is that of the points which the
    extractor that ships finds (forehead to chin). The box is smoothed over time as published, so it may move a little
    over a picture that stays for less than 13 frames.

    Args:
        expert: path of `syncnet_v2.model` or its folder; `~` and `$NAME` are expanded.
    Raises:
        MetricAbsent: see `syncnet.load`.
    """

    padded = True

    def __init__(self, expert: str, device: str = "cpu") -> None:
        self._network, self.weights_sha256 = load(Path(os.path.expandvars(os.path.expanduser(expert))))
        self._network.to(device)
        self._device = device
        self._finder = FaceFinder(device)
        self.label = f"SyncNet v2 {self.weights_sha256[:8]}"

    def usual_points(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """See `Expert.usual_points`."""
        return self._finder.usual_points(pictures)

    @torch.inference_mode()
    def embed_pictures(
        self, pictures: Sequence[NDArray[np.uint8]], digests: Sequence[str], usual: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """See `Expert.embed_pictures`; five frames fewer than there are, as published."""
        count = max(0, len(pictures) - FRAMES)
        around = smoothed(boxes(self._finder.points(pictures, digests, usual)))
        seen = [np.zeros((0, NUMBERS), np.float32)]
        for i in range(0, count, AT_ONCE):
            last = min(i + AT_ONCE, count)
            crops = torch.stack([crop(pictures[j], around[j]) for j in range(i, last + FRAMES - 1)])
            windows = crops.unfold(0, FRAMES, 1).permute(0, 1, 4, 2, 3)
            seen.append(self._network.lips(windows.to(self._device)).cpu().numpy())
        return np.concatenate(seen)

    @torch.inference_mode()
    def embed_speech(self, speech: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Expert.embed_speech`; five frames fewer than there are, as published."""
        count = max(0, len(speech) * FPS // SPEECH_RATE - FRAMES)
        wanted = CEPSTRA_A_FRAME * (count - 1) + CEPSTRA
        windows = torch.from_numpy(mfcc(speech)[:wanted]).unfold(0, CEPSTRA, CEPSTRA_A_FRAME)[:count, None]
        parts = [self._network.sound(part.to(self._device)) for part in windows.split(SOUNDS_AT_ONCE)]
        return torch.cat(parts).cpu().numpy()


def smoothed(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Boxes [frames, 3] (middle x, y, half the side), each the median over 13 frames; zeros stand beyond the ends.

    Source: `run_pipeline.py` of github.com/joonson/syncnet_python.
    """
    return np.stack([medfilt(column, SMOOTHED) for column in boxes.T.astype(np.float64)], 1)


def crop(picture: NDArray[np.uint8], box: NDArray[np.floating]) -> Tensor:
    """The face as the published pipeline cuts it out, float32 [3, 224, 224], BGR in 0..255.

    Halves of the box: 1.4 to the left and right, 1 up and 1.8 down; grey (110) beyond the picture.
    """
    x, y, half = (float(value) for value in box)
    steps = (torch.arange(SIDE) + 0.5) / SIDE * 2 - 1
    reach = half * (1 + CROP_SCALE)
    columns = (x + reach * steps) / picture.shape[1] * 2 - 1
    rows = (y + half * CROP_SCALE + reach * steps) / picture.shape[0] * 2 - 1
    grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)[None].float()
    bgr = torch.from_numpy(picture[..., ::-1].copy()).permute(2, 0, 1)[None].float()
    return grid_sample(bgr - GREY, grid, align_corners=False)[0] + GREY
