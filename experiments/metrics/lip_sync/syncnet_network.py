"""SyncNet v2, where the user has its published weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

from torch import Tensor, nn

from lossweep.endpoints.weights import load_checkpoint
from lossweep.experiments.metrics.metric import MetricAbsent

FILE = "syncnet_v2.model"
SOURCE = "http://www.robots.ox.ac.uk/~vgg/software/lipsync/data/syncnet_v2.model"
FRAMES, CEPSTRA = 5, 20
SIDE, NUMBERS = 224, 1024


def _norm_relu(layer: nn.Module, norm: nn.Module) -> list[nn.Module]:
    return [layer, norm, nn.ReLU()]


def _fully_connected() -> nn.Sequential:
    return nn.Sequential(*_norm_relu(nn.Linear(512, 512), nn.BatchNorm1d(512)), nn.Linear(512, NUMBERS))


class SyncNet(nn.Module):
    """Two towers of convolutions, for 0.2 s of pictures and of sound; equal numbers where they belong together.

    Source: Chung & Zisserman 2016, fig. 2 and 3, as in the published code (github.com/joonson/syncnet_python).
    """

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(
            *_norm_relu(nn.Conv2d(1, 64, 3, padding=1), nn.BatchNorm2d(64)),
            nn.MaxPool2d(1, 1),
            *_norm_relu(nn.Conv2d(64, 192, 3, padding=1), nn.BatchNorm2d(192)),
            nn.MaxPool2d(3, (1, 2)),
            *_norm_relu(nn.Conv2d(192, 384, 3, padding=1), nn.BatchNorm2d(384)),
            *_norm_relu(nn.Conv2d(384, 256, 3, padding=1), nn.BatchNorm2d(256)),
            *_norm_relu(nn.Conv2d(256, 256, 3, padding=1), nn.BatchNorm2d(256)),
            nn.MaxPool2d(3, 2),
            *_norm_relu(nn.Conv2d(256, 512, (5, 4)), nn.BatchNorm2d(512)),
        )
        self.netfcaud = _fully_connected()
        self.netfclip = _fully_connected()
        self.netcnnlip = nn.Sequential(
            *_norm_relu(nn.Conv3d(3, 96, (5, 7, 7), (1, 2, 2)), nn.BatchNorm3d(96)),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_norm_relu(nn.Conv3d(96, 256, (1, 5, 5), (1, 2, 2), (0, 1, 1)), nn.BatchNorm3d(256)),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            *_norm_relu(nn.Conv3d(256, 256, (1, 3, 3), padding=(0, 1, 1)), nn.BatchNorm3d(256)),
            *_norm_relu(nn.Conv3d(256, 256, (1, 3, 3), padding=(0, 1, 1)), nn.BatchNorm3d(256)),
            *_norm_relu(nn.Conv3d(256, 256, (1, 3, 3), padding=(0, 1, 1)), nn.BatchNorm3d(256)),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_norm_relu(nn.Conv3d(256, 512, (1, 6, 6)), nn.BatchNorm3d(512)),
        )

    def lips(self, pictures: Tensor) -> Tensor:
        """[n, 3, 5, 224, 224] BGR in 0..255 to [n, 1024]."""
        return self.netfclip(self.netcnnlip(pictures).flatten(1))

    def sound(self, cepstra: Tensor) -> Tensor:
        """[n, 1, 13, 20] of 16-bit sound to [n, 1024]."""
        return self.netfcaud(self.netcnnaud(cepstra).flatten(1))


def load(path: Path) -> tuple[SyncNet, str]:
    """The network with the weights of a file, or of `syncnet_v2.model` in a folder, and their SHA-256.

    Raises:
        MetricAbsent: no such file, or it holds something else.
    """
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise MetricAbsent(
            f"lip_sync: {file} is missing; get {FILE} from {SOURCE} and give its path or folder as expert, "
            "or take expert: own"
        )
    network = SyncNet()
    try:
        network.load_state_dict(load_checkpoint(file))
    except Exception as error:
        why = " ".join(str(error).split())[:200]
        raise MetricAbsent(f"lip_sync: {file} is not SyncNet v2 ({why}); get {FILE} from {SOURCE}") from None
    return network.eval().requires_grad_(False), hashlib.sha256(file.read_bytes()).hexdigest()
