"""LPIPS, from the package lpips, with the features of each picture computed once."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lossweep.experiments.metrics.feature_distance import FeatureDistance
from lossweep.experiments.metrics.metric import MetricAbsent

if TYPE_CHECKING:
    import torch

BACKBONES = {
    "squeeze": "squeezenet1_1-b8a52dc0.pth",
    "alex": "alexnet-owt-7be5be79.pth",
    "vgg": "vgg16-397923af.pth",
}


class Lpips(FeatureDistance):
    """Learned perceptual image patch similarity (distance: 0 for identical pictures), version 0.1.

    The sum over layers of the mean over positions of w (a - b)^2, a and b unit-normalised along channels,
    is the squared distance of vectors sqrt(w / positions) a and sqrt(w / positions) b; so each picture goes
    through the network once. Known deviation, below 1e-5: see `FeatureDistance`.

    Args:
        device: "cpu" or "cuda".
        net: "squeeze", "alex" or "vgg"; by default the first of these whose backbone weights are on this
            machine.

    Attributes:
        net: the network.
        weights_sha256: of the backbone's weights file.

    Raises:
        MetricAbsent: no backbone weights; nothing is ever downloaded.
        ValueError: unknown net.

    Source: Zhang et al. 2018, eq. 1; package lpips.
    """

    name = "lpips"
    higher_is_better = False
    undecodable_score = 1.0
    least_side = 64

    def __init__(self, device: str = "cpu", net: str | None = None) -> None:
        super().__init__(device)
        weights = _weights(net)
        self.net = next(name for name, file in BACKBONES.items() if file == weights.name)
        self.label = f"LPIPS ({self.net})"
        self.weights_sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
        self._model = _load(self.net, weights).to(device)
        self._roots = [linear.model[-1].weight.sqrt() for linear in self._model.lins]
        self.peaks = [root.max().item() for root in self._roots]

    def maps(self, pixels: torch.Tensor) -> list[torch.Tensor]:
        """Normalised features times the root of their weights, layer by layer.

        Args:
            pixels: uint8 [pictures, height, width, 3], RGB.
        Returns:
            float32 [pictures, channels, rows, columns] each, in [0, peak].
        """
        import torch

        images = self._model.scaling_layer(pixels.permute(0, 3, 1, 2).float() / 127.5 - 1)
        layers = self._model.net(images.contiguous(memory_format=torch.channels_last))
        return [
            layer / (torch.linalg.vector_norm(layer, dim=1, keepdim=True) + 1e-10) * root
            for layer, root in zip(layers, self._roots, strict=True)
        ]


def checkpoint_folders() -> list[Path]:
    """Where torchvision's weights are looked for: torch's own folder, then `$LOSSWEEP_DATA/torch_home`."""
    import torch

    homes = [Path(torch.hub.get_dir())]
    if "LOSSWEEP_DATA" in os.environ:
        homes.append(Path(os.environ["LOSSWEEP_DATA"]) / "torch_home" / "hub")
    return [home / "checkpoints" for home in homes]


def _weights(net: str | None) -> Path:
    if net is not None and net not in BACKBONES:
        raise ValueError(f"lpips: net must be one of {', '.join(BACKBONES)}, not {net!r}")
    wanted = [BACKBONES[net]] if net else list(BACKBONES.values())
    folders = checkpoint_folders()
    for file in wanted:
        for folder in folders:
            if (folder / file).is_file():
                return folder / file
    raise MetricAbsent(
        f"lpips is absent: no {' or '.join(wanted)} in {' or '.join(map(str, folders))}; "
        f"get it from https://download.pytorch.org/models/{wanted[0]} and put it there"
    )


def _load(net: str, weights: Path) -> torch.nn.Module:
    import lpips
    import torch

    with _hub_folder(weights.parent.parent), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = lpips.LPIPS(net=net, verbose=False)
        except Exception as error:
            raise MetricAbsent(
                f"lpips is absent: {weights} cannot be read ({error}); get it again"
            ) from error
    return model.requires_grad_(False).to(memory_format=torch.channels_last)


@contextmanager
def _hub_folder(folder: Path) -> Iterator[None]:
    """The package lpips asks torchvision for the backbone, which looks in torch's hub folder first."""
    import torch

    before = torch.hub.get_dir()
    torch.hub.set_dir(str(folder))
    try:
        yield
    finally:
        torch.hub.set_dir(before)
