"""The keypoint baseline's networks: keypoint detector, dense motion, and the generator's editing network."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lossweep.endpoints.syncsc.generator.networks import KEPT, LATENT, Drawn, EditingNetwork, Modulated
from lossweep.endpoints.syncsc.generator.warp import GRID, SIDE, Squares, cut, enlarge, sample

KEYPOINTS = 8
SPREAD = 0.1
"""Standard deviation of a keypoint's heat, in half picture widths."""


class FomNetwork(nn.Module):
    """A face by 8 keypoints that are learned without labels, as in the first-order motion model.

    Known deviations: eight keypoints and no Jacobians (8 x 2 float16 numbers are the paper's 0.0039 bpp), so
    motion is of zeroth order around each; the reference is moved as pixels, not as features; networks are small.

    Source: Siarohin et al., First Order Motion Model for Image Animation, NeurIPS 2019; Monkey-Net, CVPR 2019.
    """

    def __init__(self) -> None:
        super().__init__()
        self.detector = KeypointDetector()
        self.mapping = nn.Sequential(
            nn.Linear(6 * KEYPOINTS, LATENT), nn.SiLU(), nn.Linear(LATENT, LATENT), nn.SiLU()
        )
        self.motion = DenseMotion()
        self.editing = EditingNetwork()

    def forward(
        self, reference: Tensor, here: Tensor, there: Tensor, squares: Squares | None = None
    ) -> Drawn:
        """Draws pictures, or a square of each.

        Args:
            reference: float32 [n, 3, 256, 256] in [-1, 1].
            here, there: keypoints [n, 8, 2] of the reference and of the pictures, (x, y) in [-1, 1].
            squares: what is drawn; None draws all.
        """
        latent = self._latent(here, there)
        displacement, shown, kept = self.motion(reference, here, there, latent)
        warped = sample(reference, enlarge(displacement), squares)
        cues = cut(enlarge(torch.cat([shown, displacement / 16], 1)), squares)
        edited = self.editing(warped, cut(reference, squares), cues, cut(kept, squares, SIDE // GRID), latent)
        return Drawn(warped, edited, displacement)

    def displacement(self, reference: Tensor, here: Tensor, there: Tensor) -> Tensor:
        """The motion field alone; see `forward`."""
        return self.motion(reference, here, there, self._latent(here, there))[0]

    def _latent(self, here: Tensor, there: Tensor) -> Tensor:
        return self.mapping(torch.cat([here, there, there - here], 1).flatten(1))


class KeypointDetector(nn.Module):
    """From pictures [n, 3, h, w] in [-1, 1] to keypoints [n, 8, 2]: the middles of eight heatmaps."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList([_layer(3, 16), _layer(16, 32), _layer(32, 64), _layer(64, 64)])
        self.up = nn.ModuleList([_layer(64 + 64, 64), _layer(64 + 32, 32), _layer(32 + 16, 16)])
        self.last = nn.Conv2d(16, KEYPOINTS, 3, padding=1)

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        x = functional.interpolate(pictures, size=(GRID, GRID), mode="area")
        levels = []
        for i, layer in enumerate(self.down):
            x = layer(x if i == 0 else functional.avg_pool2d(x, 2))
            levels.append(x)
        levels.pop()
        for layer in self.up:
            x = functional.interpolate(x, scale_factor=2, mode="nearest")
            x = layer(torch.cat([x, levels.pop()], 1))
        heat = functional.softmax(self.last(x).flatten(2) / 0.1, -1)
        return heat @ _places(x).view(-1, 2)


class DenseMotion(nn.Module):
    """Which keypoint's motion holds where, how much of the reference is to be seen there, and features."""

    def __init__(self) -> None:
        super().__init__()
        widths = (32, 48, 64)
        self.first = nn.Conv2d(4 * (KEYPOINTS + 1), widths[0], 3, padding=1)
        self.down = nn.ModuleList(
            Modulated(a, b, stride=2) for a, b in zip(widths, (*widths[1:], widths[-1]), strict=True)
        )
        self.up = nn.ModuleList(
            Modulated(a + b, b) for a, b in zip((64, 64, 48), reversed(widths), strict=True)
        )
        self.last = nn.Conv2d(widths[0], KEYPOINTS + 2 + KEPT, 3, padding=1)

    def forward(
        self, reference: Tensor, here: Tensor, there: Tensor, latent: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Displacement [n, 2, 64, 64] in pixels, occlusion [n, 1, 64, 64], features [n, 16, 64, 64]."""
        n = len(reference)
        small = functional.interpolate(reference, size=(GRID, GRID), mode="area")
        # Motion 0 is that of what stays.
        moves = functional.pad(here - there, (0, 0, 1, 0)) * (SIDE / 2)
        fields = moves[..., None, None].expand(-1, -1, -1, GRID, GRID).reshape(-1, 2, GRID, GRID)
        moved = sample(small.repeat_interleave(KEYPOINTS + 1, 0), fields).view(n, -1, GRID, GRID)
        heat = functional.pad(_heat(there, small) - _heat(here, small), (0, 0, 0, 0, 1, 0))
        x = self.first(torch.cat([moved, heat], 1))
        levels = []
        for layer in self.down:
            levels.append(x)
            x = layer(x, latent)
        for layer in self.up:
            skip = levels.pop()
            x = functional.interpolate(x, size=skip.shape[-2:], mode="nearest")
            x = layer(torch.cat([x, skip], 1), latent)
        out = self.last(functional.silu(x))
        share = functional.softmax(out[:, : KEYPOINTS + 1], 1)
        displacement = torch.einsum("nkhw,nkc->nchw", share, moves)
        return displacement, torch.sigmoid(out[:, KEYPOINTS + 1 : KEYPOINTS + 2]), out[:, KEYPOINTS + 2 :]


def _layer(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.GroupNorm(8, outputs), nn.SiLU())


def _places(like: Tensor) -> Tensor:
    """Middles of the cells, [64, 64, 2], (x, y) in [-1, 1]."""
    line = (torch.arange(GRID, device=like.device, dtype=torch.float32) + 0.5) * (2 / GRID) - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y], -1)


def _heat(keypoints: Tensor, like: Tensor) -> Tensor:
    away = _places(like) - keypoints[:, :, None, None]
    return torch.exp(-away.square().sum(-1) / (2 * SPREAD**2))
