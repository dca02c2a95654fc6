"""The codec of single pictures: from a picture to ordered features, and back from noisy ones."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lossweep.endpoints.jscc.layers import Gdn, ResidualBlock, channel_state

SIDE = 8
"""t of the paper: features have an eighth of the picture's height and width."""
COEFFICIENTS = 3 * SIDE * SIDE
CHANNELS = 48
"""Real features per place: at most 24 symbols for 8 x 8 pixels, a bandwidth ratio of 1/8."""
WIDTH = 128
ENCODER_BLOCKS, DECODER_BLOCKS = 3, 5
FINE = 32


class KeyFrameNetwork(nn.Module):
    """Encoder and decoder for one picture.

    The features are ordered: any number of the first ones can be sent, so that one network serves all bandwidth ratios.
    It starts as a linear codec: the DCT of 8x8 blocks, each coefficient with the gain that is best for known variances
    (lambda^-1/4, as SoftCast), and the linear estimate at the receiver. What is trained is added to both.

    Source: structure after Zhang et al. (downsampling by 8, GDN and PReLU, noise attention after each stage, pixel
    shuffle, sigmoid replaced by clamping in evaluation). Initialisation: Jakubczak and Katabi 2011 (SoftCast).
    """

    variances: Tensor
    order: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("variances", torch.ones(COEFFICIENTS))
        self.analysis = nn.Conv2d(3, COEFFICIENTS, SIDE, SIDE)
        self.gain = nn.Parameter(torch.zeros(CHANNELS))
        self.enter = nn.Conv2d(COEFFICIENTS, WIDTH, 3, padding=1)
        self.norm = Gdn(WIDTH)
        self.encoder = nn.ModuleList(ResidualBlock(WIDTH) for _ in range(ENCODER_BLOCKS))
        self.leave = nn.Conv2d(WIDTH, CHANNELS, 3, padding=1)
        self.receive = nn.Conv2d(2 * CHANNELS, WIDTH, 3, padding=1)
        self.decoder = nn.ModuleList(ResidualBlock(WIDTH) for _ in range(DECODER_BLOCKS))
        self.inverse_norm = Gdn(WIDTH, inverse=True)
        self.refine = nn.Conv2d(WIDTH, COEFFICIENTS, 3, padding=1)
        self.synthesis = nn.ConvTranspose2d(COEFFICIENTS, 3, SIDE, SIDE)
        self.fine = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(12, FINE, 3, padding=1),
            nn.PReLU(FINE),
            nn.Conv2d(FINE, FINE, 3, padding=1),
            nn.PReLU(FINE),
            nn.Conv2d(FINE, 12, 3, padding=1),
            nn.PixelShuffle(2),
        )
        for layer in (self.leave, self.refine, self.fine[-2]):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    @torch.no_grad()
    def start_from(self, pictures: Tensor) -> None:
        """Sets the linear codec from pictures [n, 3, height, width] in [-1, 1]: DCT in order of variance, and gains."""
        basis = dct_basis()
        found = functional.conv2d(pictures, basis, stride=SIDE)
        variance = found.square().mean((0, 2, 3))
        ordered = torch.argsort(variance, descending=True)
        self.variances.copy_(variance[ordered])
        for layer in (self.analysis, self.synthesis):
            layer.weight.copy_(basis[ordered])
            layer.bias.zero_()  # type: ignore[union-attr]
        self.gain.copy_(-0.25 * self.variances[:CHANNELS].log())

    def encode(self, pictures: Tensor, snr_db: Tensor, share: Tensor) -> Tensor:
        """Features [batch, CHANNELS * places], the most important first.

        Args:
            pictures: float32 [batch, 3, height, width] in [-1, 1]; height and width are multiples of 8.
            snr_db: [batch], as the sender believes it.
            share: [batch], of the features that will be sent.
        """
        state = channel_state(snr_db, share)
        coefficients = self.analysis(pictures)
        x = self.norm(self.enter(coefficients / self.variances.sqrt()[:, None, None]))
        for block in self.encoder:
            x = block(x, state)
        linear = coefficients[:, :CHANNELS] * self.gain.exp()[:, None, None]
        return (linear + self.leave(x)).flatten(1)

    def decode(
        self, features: Tensor, variance: Tensor, snr_db: Tensor, height: int, width: int
    ) -> tuple[Tensor, Tensor]:
        """Pictures [batch, 3, height, width] in about [-1, 1], and the decoder's features [batch, WIDTH, h/8, w/8].

        Args:
            features: [batch, n], the first ones of `encode`, with noise.
            variance: [batch, n], of the noise of each feature.
            snr_db: [batch], as the receiver believes it.
        """
        rows, columns = height // SIDE, width // SIDE
        missing = CHANNELS * rows * columns - features.shape[1]
        share = torch.full_like(snr_db, features.shape[1] / (CHANNELS * rows * columns))
        state = channel_state(snr_db, share)
        known = functional.pad(torch.ones_like(features), (0, missing)).view(-1, CHANNELS, rows, columns)
        y = functional.pad(features, (0, missing)).view(-1, CHANNELS, rows, columns)
        spread, gain = self.variances[:CHANNELS, None, None], self.gain.exp()[:, None, None]
        noise = functional.pad(variance, (0, missing)).view(-1, CHANNELS, rows, columns)
        linear = y * spread * gain / (spread * gain**2 + noise)
        x = self.receive(torch.cat([linear / spread.sqrt(), known], 1))
        for block in self.decoder:
            x = block(x, state)
        coefficients = functional.pad(linear, (0, 0, 0, 0, 0, COEFFICIENTS - CHANNELS))
        coefficients = coefficients + self.refine(self.inverse_norm(x)) * self.variances.sqrt()[:, None, None]
        picture = self.synthesis(coefficients)
        return picture + self.fine(picture), x


def dct_basis() -> Tensor:
    """The orthonormal DCT of 8x8 blocks of three decorrelated colours, [192, 3, 8, 8]."""
    n = np.arange(SIDE)
    rows = np.cos(math.pi / SIDE * (n[None] + 0.5) * n[:, None]) * math.sqrt(2 / SIDE)
    rows[0] /= math.sqrt(2)
    colours = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([3, 2, 6])[:, None]
    basis = np.einsum("pc,ui,vj->puvcij", colours, rows, rows)
    return torch.from_numpy(basis.reshape(COEFFICIENTS, 3, SIDE, SIDE)).float()
