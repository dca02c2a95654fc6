"""The three networks of the image generator: mapping, warping, editing."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from lossweep.endpoints.syncsc.generator.conditioning import FIELDS, MAPPING_INPUTS
from lossweep.endpoints.syncsc.generator.warp import GRID, SIDE, Squares, cut, enlarge, sample

LATENT = 128
KEPT = 16
"""Channels that the warping network hands on to the editing network."""
LONGEST = 32.0
"""Pixels by which the warping network may correct the motion field."""


class Drawn(NamedTuple):
    """What `Network.forward` gives.

    Attributes:
        warped, edited: float32 [n, 3, h, w] in [-1, 1].
        displacement: float32 [n, 2, 64, 64] in pixels of a 256x256 picture, of the whole picture.
    """

    warped: Tensor
    edited: Tensor
    displacement: Tensor


class Network(nn.Module):
    """Mapping, warping and editing, trained together.

    It starts as the bare warp: the corrections of motion and of colour begin at zero.

    Source: the SyncSC paper, Section II-D3; Ren et al., PIRenderer, ICCV 2021. Known deviations: the warping
    network corrects the face model's motion field instead of finding one; frames are drawn one by one, with no
    window of neighbours, so equal numbers give equal pictures; the latent has 128 numbers, not 256.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mapping = nn.Sequential(
            nn.Linear(MAPPING_INPUTS, LATENT), nn.SiLU(), nn.Linear(LATENT, LATENT), nn.SiLU()
        )
        self.warping = WarpingNetwork()
        self.editing = EditingNetwork()

    def forward(
        self, reference: Tensor, fields: Tensor, numbers: Tensor, squares: Squares | None = None
    ) -> Drawn:
        """Draws pictures, or (for training) squares of them.

        Args:
            reference: float32 [n, 3, 256, 256] in [-1, 1].
            fields: float32 [n, 5, 64, 64], see `cues.fields`.
            numbers: float32 [n, 48], see `cues.numbers`.
            squares: what is drawn; None draws all.
        """
        latent = self.mapping(numbers)
        displacement, kept = self.warping(reference, fields, latent)
        warped = sample(reference, enlarge(displacement), squares)
        outlines = cut(enlarge(fields[:, 2:]), squares)
        still = cut(reference, squares)
        latent = latent.repeat(len(warped) // len(latent), 1)
        edited = self.editing(warped, still, outlines, cut(kept, squares, SIDE // GRID), latent)
        return Drawn(warped, edited, displacement)

    def motion(self, reference: Tensor, fields: Tensor, numbers: Tensor) -> Tensor:
        """The displacement alone; see `forward`."""
        return self.warping(reference, fields, self.mapping(numbers))[0]


class WarpingNetwork(nn.Module):
    """Corrects the motion field at 64x64: how much of it holds where (0 to 2), and by how many pixels it is off."""

    def __init__(self) -> None:
        super().__init__()
        widths = (32, 64, 96)
        self.first = nn.Conv2d(3 + 3 + FIELDS, widths[0], 3, padding=1)
        self.down = nn.ModuleList(
            Modulated(a, b, stride=2) for a, b in zip(widths, (*widths[1:], widths[-1]), strict=True)
        )
        self.middle = Modulated(widths[-1], widths[-1])
        self.up = nn.ModuleList(
            Modulated(a + b, b) for a, b in zip((96, 96, 64), reversed(widths), strict=True)
        )
        self.last = nn.Conv2d(widths[0], 3 + KEPT, 3, padding=1)
        nn.init.zeros_(self.last.weight[:3])
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, reference: Tensor, fields: Tensor, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Displacement [n, 2, 64, 64] in pixels and features [n, 16, 64, 64] for the editing network."""
        small = functional.interpolate(reference, size=(GRID, GRID), mode="area")
        motion = fields[:, :2]
        moved = sample(small, motion)
        x = self.first(torch.cat([small, moved, motion / 16, fields[:, 2:]], 1))
        levels = []
        for layer in self.down:
            levels.append(x)
            x = layer(x, latent)
        x = self.middle(x, latent)
        for layer in self.up:
            skip = levels.pop()
            x = functional.interpolate(x, size=skip.shape[-2:], mode="nearest")
            x = layer(torch.cat([x, skip], 1), latent)
        out = self.last(functional.silu(x))
        # 1 at the start: the face model's motion holds everywhere.
        share = 2 * torch.sigmoid(out[:, 2:3])
        correction = LONGEST * torch.tanh(out[:, :2] / LONGEST)
        return motion * share + correction, out[:, 3:]


class EditingNetwork(nn.Module):
    """Paints what warping cannot bring: inside of the mouth, lids, what was hidden. Adds to the warped picture."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3 + 3 + 3, 24, 4, stride=2, padding=1)
        self.second = Modulated(24, 48, stride=2)
        self.take = Modulated(48 + KEPT, 48)
        self.third = Modulated(48, 96, stride=2)
        self.deep = nn.ModuleList([Modulated(96, 96), Modulated(96, 96)])
        self.fourth = Modulated(96, 128, stride=2)
        self.deepest = nn.ModuleList([Modulated(128, 128), Modulated(128, 128)])
        self.up = nn.ModuleList([Modulated(128 + 96, 96), Modulated(96 + 48, 48), Modulated(48 + 24, 32)])
        self.last = nn.Conv2d(32, 20, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(
        self, warped: Tensor, still: Tensor, outlines: Tensor, kept: Tensor, latent: Tensor
    ) -> Tensor:
        """The edited picture, float32 [n, 3, h, w] in [-1, 1]; all arguments show the same square.

        Args:
            warped, still: the warped and the unmoved reference [n, 3, h, w].
            outlines: [n, 3, h, w]; kept: [n, 16, h / 4, w / 4]; latent: [n, 128].
        """
        a = self.first(torch.cat([warped, still, outlines], 1))
        b = self.take(torch.cat([self.second(a, latent), kept], 1), latent)
        c = self.third(b, latent)
        for layer in self.deep:
            c = c + layer(c, latent)
        x = self.fourth(c, latent)
        for layer in self.deepest:
            x = x + layer(x, latent)
        for layer, skip in zip(self.up, (c, b, a), strict=True):
            x = functional.interpolate(x, scale_factor=2, mode="nearest")
            x = layer(torch.cat([x, skip], 1), latent)
        out = functional.pixel_shuffle(self.last(functional.silu(x)), 2)
        # Place by place, the fourth channel opens or shuts the change of the first three, and the fifth says how much
        # of the unmoved reference shows: what stands still is not to be dragged along by a head beside it.
        still_share = torch.sigmoid(out[:, 4:] - 4)
        moved = warped + still_share * (still - warped)
        return (moved + out[:, :3] * torch.sigmoid(out[:, 3:4] + 1)).clamp(-1, 1)


class Modulated(nn.Module):
    """Normalisation, gain and shift from the latent, SiLU, 3x3 convolution.

    The normalisation is over channels at each place (no statistics of the picture), so a square of a picture is
    drawn as it is drawn in the whole, but for what lies beyond its border.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.tune = nn.Linear(LATENT, 2 * inputs)
        self.convolve = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)
        nn.init.normal_(self.tune.weight, std=0.02)
        nn.init.zeros_(self.tune.bias)

    def forward(self, x: Tensor, latent: Tensor) -> Tensor:
        """[n, inputs, h, w] to [n, outputs, h / stride, w / stride]; latent [n, 128]."""
        gain, shift = self.tune(latent)[:, :, None, None].chunk(2, 1)
        x = x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-4)
        return self.convolve(functional.silu(x * (1 + gain) + shift))
