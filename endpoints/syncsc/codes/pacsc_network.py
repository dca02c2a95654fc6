"""The network of PacSC: a masked autoencoder whose code words are rows of packets."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lossweep.endpoints.syncsc.face_model import COEFFICIENTS


@dataclass(frozen=True)
class PacSCConfig:
    """Sizes of a PacSC.

    Attributes:
        symbols: Npv, rows of the block X. With `width` 8 a frame's 16 numbers are two symbols.
        width: Dv, numbers in a symbol.
        row: Dp, numbers in a row of the encoded block E.
        together: most blocks that are coded as one. The paper has 1.
        patch: np, side of the square patches.
        inner: Dd, width of the decoder.
        encoder_depth, decoder_depth: Transformer blocks.
    """

    symbols: int
    width: int
    row: int
    together: int = 1
    patch: int = 2
    inner: int = 64
    encoder_depth: int = 2
    decoder_depth: int = 3

    @property
    def rows(self) -> int:
        """M, rows of E, of one block."""
        return self.symbols * self.width // self.patch**2

    @property
    def frames(self) -> int:
        """Frames in one block."""
        return self.symbols * self.width // COEFFICIENTS


CONFIGS = {
    0.5: PacSCConfig(symbols=4, width=8, row=8, together=8),
    0.25: PacSCConfig(symbols=4, width=16, row=16, together=4),
}
"""Of the networks that ship, by code rate. Blocks of 16 frames at most are coded as one."""


class PacSCNetwork(nn.Module):
    """Blocks of semantics -> M rows of Dp numbers for each -> the blocks, whatever rows are missing.

    Up to `together` consecutive blocks are one block to the Transformer; longer sequences are cut.

    The encoder's convolution (eq. 10) makes M patches; position embedding (eq. 11), Transformer blocks and
    norm follow. The decoder is a linear layer to Dd, Transformer blocks, norm, and an MLP. The paper's text
    gives no position embedding to the decoder; here it has one, since without it equal patterns of loss at
    different places are told apart only by what the rows say.

    Source: the SyncSC paper, Section III-B.
    """

    def __init__(self, config: PacSCConfig) -> None:
        super().__init__()
        self.config = c = config
        self.patches = nn.Conv2d(1, c.row, c.patch, c.patch)
        self.position = nn.Parameter(torch.randn(c.together * c.rows, c.row) * 0.02)
        self.encoder = nn.ModuleList(_block(c.row, 2) for _ in range(c.encoder_depth))
        self.encoder_norm = nn.LayerNorm(c.row)
        self.widen = nn.Linear(c.row, c.inner)
        self.decoder_position = nn.Parameter(torch.randn(c.together * c.rows, c.inner) * 0.02)
        self.decoder = nn.ModuleList(_block(c.inner, 4) for _ in range(c.decoder_depth))
        self.decoder_norm = nn.LayerNorm(c.inner)
        self.out = nn.Sequential(
            nn.Linear(c.inner, 4 * c.inner), nn.GELU(), nn.Linear(4 * c.inner, c.patch**2)
        )

    def largest_row(self) -> Tensor:
        """The largest absolute value that each number of a row can have, float32 [Dp].

        A layer norm's output before gain and bias is below the root of its width.
        """
        norm = self.encoder_norm
        return (self.config.row**0.5 * norm.weight.abs() + norm.bias.abs()).detach().float()

    def encode(self, x: Tensor) -> Tensor:
        """Rows [n, blocks * M, Dp] of frames [n, blocks * frames, 16]."""
        c = self.config
        return torch.cat([self._encode(part) for part in x.split(c.together * c.frames, 1)], 1)

    def decode(self, rows: Tensor) -> Tensor:
        """Frames [n, blocks * frames, 16] of rows [n, blocks * M, Dp]; those that did not arrive are zeros."""
        c = self.config
        return torch.cat([self._decode(part) for part in rows.split(c.together * c.rows, 1)], 1)

    def _encode(self, x: Tensor) -> Tensor:
        x = self.patches(x.reshape(len(x), 1, -1, self.config.width)).flatten(2).transpose(1, 2)
        x = x + self.position[: x.shape[1]]
        for block in self.encoder:
            x = block(x)
        return self.encoder_norm(x)

    def _decode(self, rows: Tensor) -> Tensor:
        c = self.config
        x = self.widen(rows) + self.decoder_position[: rows.shape[1]]
        for block in self.decoder:
            x = block(x)
        x = self.out(self.decoder_norm(x))
        x = x.reshape(len(x), -1, c.width // c.patch, c.patch, c.patch)
        return x.transpose(2, 3).reshape(len(x), -1, COEFFICIENTS)


def _block(width: int, heads: int) -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(
        width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
