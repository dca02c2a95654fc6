"""LPIPS, from the package lpips, with the features of each picture computed once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lossweep.experiments.metrics.lpips.backbone import check_net, load_model, read_weights
from lossweep.experiments.metrics.lpips.feature_distance import FeatureDistance

if TYPE_CHECKING:
    import torch


class Lpips(FeatureDistance):
    """Learned perceptual image patch similarity (distance: 0 for identical pictures), version 0.1.

    The sum over layers of the mean over positions of w (a - b)^2, a and b unit-normalised along channels,
    is the squared distance of vectors sqrt(w / positions) a and sqrt(w / positions) b; so each picture goes
    through the network once. Known deviation, below 1e-5: see `FeatureDistance`.

    Args:
        device: "cpu" or "cuda".
        net: "squeeze", which ships (see NOTICE.md), or "alex" or "vgg", whose torchvision weights must be in torch's
            hub folder (`TORCH_HOME`).

    Attributes:
        net: the network.
        weights_sha256: of the backbone's weights file.

    Raises:
        MetricAbsent: no backbone weights; nothing is downloaded.
        ValueError: unknown net.

    Source: Zhang et al. 2018, eq. 1; package lpips.
    """

    name = "lpips"
    higher_is_better = False
    undecodable_score = 1.0
    least_side = 64

    def __init__(self, device: str = "cpu", net: str = "squeeze") -> None:
        super().__init__(device)
        import torch

        weights = read_weights(net)
        self.net = net
        self.label = f"LPIPS ({net})"
        self.weights_sha256 = weights.sha256
        self._model = load_model(net, weights).to(device, memory_format=torch.channels_last)
        self._roots = [linear.model[-1].weight.sqrt() for linear in self._model.lins]
        self.peaks = [root.max().item() for root in self._roots]

    @classmethod
    def check(cls, net: str = "squeeze") -> None:
        """Refuses an unknown net.

        Raises:
            ValueError: naming the known ones.
        """
        check_net(net)

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
