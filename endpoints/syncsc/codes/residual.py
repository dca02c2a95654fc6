"""The network of pacsc-s: what a Gaussian does not know of how faces move."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lossweep.endpoints.syncsc.codes.measurements import WINDOW, Windows
from lossweep.endpoints.syncsc.face_model import COEFFICIENTS

LEAST = 1e-3


@dataclass(frozen=True)
class ResidualConfig:
    """Sizes of the Transformer."""

    width: int = 64
    depth: int = 2
    heads: int = 4
    inner: int = 160


class Residual(nn.Module):
    """A Transformer over a window's frames corrects their conditional mean.

    Each frame is a token of what is believed of it: mean less the window's average (so that it cannot learn the
    few faces there are by heart), step and standard deviation of each number. The answer is in these standard
    deviations, so what is known is not changed, and `Windows.within` takes off what would contradict a parity
    row that arrived. The last layer begins at zero: untrained it changes nothing.
    """

    def __init__(self, config: ResidualConfig) -> None:
        super().__init__()
        c = config
        self.inward = nn.Linear(3 * COEFFICIENTS, c.width)
        self.position = nn.Parameter(torch.randn(WINDOW, c.width) * 0.02)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                c.width, c.heads, c.inner, dropout=0.1, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(c.depth)
        )
        self.norm = nn.LayerNorm(c.width)
        self.outward = nn.Linear(c.width, COEFFICIENTS)
        nn.init.zeros_(self.outward.weight)
        nn.init.zeros_(self.outward.bias)

    def forward(self, windows: Windows) -> Tensor:
        """The mean as corrected, float64 [n, 16, 32]."""
        device = self.position.device
        mean = windows.mean.float().to(device)
        deviation = windows.covariance.diagonal(dim1=2, dim2=3).clamp(min=0).sqrt().float().to(device)
        about = mean - mean.mean(2, keepdim=True)
        step = torch.diff(mean, dim=2, prepend=mean[..., :1])
        seen = torch.cat([2 * about, 8 * step, (deviation + LEAST).log() / 3 + 1], 1)
        x = self.inward(seen.transpose(1, 2)) + self.position
        for block in self.blocks:
            x = block(x)
        change = self.outward(self.norm(x)).transpose(1, 2) * deviation
        return windows.mean + windows.within(change.cpu()).double()
