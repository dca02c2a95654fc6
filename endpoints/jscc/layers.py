"""Layers that the networks of joint source-channel coding share."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SNR_MIDDLE_DB, SNR_SPREAD_DB = 5.0, 10.0


class Gdn(nn.Module):
    """Generalised divisive normalisation over channels, x / sqrt(beta + gamma x^2), or its inverse.

    Source: Balle et al. 2015 (arXiv 1511.06281).
    """

    def __init__(self, channels: int, inverse: bool = False) -> None:
        super().__init__()
        self.inverse = inverse
        self.beta = nn.Parameter(torch.ones(channels))
        self.gamma = nn.Parameter(0.1 * torch.eye(channels)[:, :, None, None].sqrt())

    def forward(self, x: Tensor) -> Tensor:
        """[batch, channels, height, width] to the same."""
        norm = nn.functional.conv2d(x.square(), self.gamma.square(), self.beta.square() + 1e-6)
        return x * (norm.sqrt() if self.inverse else norm.rsqrt())


class NoiseAttention(nn.Module):
    """Channel weights from the features' means and the channel's SNR, with a residual connection.

    Source: "Deep Learning Enabled Semantic Communication Systems for Video Transmission" (Zhang et al.), Fig. 2b:
    pooling, SNR, squeeze and excitation, residual. The number of symbols is an input beside the SNR, since one
    network serves all of them.
    """

    def __init__(self, channels: int, squeezed: int = 32) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.Linear(channels + 2, squeezed), nn.PReLU(), nn.Linear(squeezed, channels), nn.Sigmoid()
        )

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        """[batch, channels, height, width] to the same.

        Args:
            state: [batch, 2], see `channel_state`.
        """
        weights = self.weigh(torch.cat([x.mean((2, 3)), state], 1))
        return x + x * (2 * weights[:, :, None, None] - 1)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with PReLU and noise attention, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.act = nn.PReLU(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.attention = NoiseAttention(channels)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        """See `NoiseAttention.forward`."""
        return x + self.attention(self.second(self.act(self.first(x))), state)


def channel_state(snr_db: Tensor, share: Tensor) -> Tensor:
    """What noise attention is given, [batch, 2]: SNR and the share of the symbols that are sent.

    Args:
        snr_db: [batch].
        share: [batch], in (0, 1].
    """
    return torch.stack([(snr_db - SNR_MIDDLE_DB) / SNR_SPREAD_DB, 2 * share - 1], 1)
