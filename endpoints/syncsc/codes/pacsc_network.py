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
        patch: np, side of the square patches.
        row: Dp, numbers in a row of the encoded block E.
        inner: Dd, width of the decoder.
        encoder_depth, decoder_depth: Transformer blocks.
    """

    symbols: int
    width: int
    row: int
    patch: int = 2
    inner: int = 64
    encoder_depth: int = 2
    decoder_depth: int = 3

    @property
    def rows(self) -> int:
        """M, rows of E."""
        return self.symbols * self.width // self.patch**2

    @property
    def frames(self) -> int:
        """Frames in a block."""
        return self.symbols * self.width // COEFFICIENTS


CONFIGS = {0.5: PacSCConfig(symbols=4, width=8, row=8), 0.25: PacSCConfig(symbols=4, width=16, row=16)}


class PacSCNetwork(nn.Module):
    """Block of semantics -> M rows of Dp numbers -> block, whatever rows are missing.

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
        self.position = nn.Parameter(torch.randn(c.rows, c.row) * 0.02)
        self.encoder = nn.ModuleList(_block(c.row, 2) for _ in range(c.encoder_depth))
        self.encoder_norm = nn.LayerNorm(c.row)
        self.widen = nn.Linear(c.row, c.inner)
        self.decoder_position = nn.Parameter(torch.randn(c.rows, c.inner) * 0.02)
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

    def encode(self, blocks: Tensor) -> Tensor:
        """Rows [n, M, Dp] of blocks [n, frames, 16]."""
        c = self.config
        x = self.patches(blocks.reshape(-1, 1, c.symbols, c.width)).flatten(2).transpose(1, 2) + self.position
        for block in self.encoder:
            x = block(x)
        return self.encoder_norm(x)

    def decode(self, rows: Tensor) -> Tensor:
        """Blocks [n, frames, 16] of rows [n, M, Dp]; those that did not arrive are zeros."""
        c = self.config
        x = self.widen(rows) + self.decoder_position
        for block in self.decoder:
            x = block(x)
        x = self.out(self.decoder_norm(x))
        x = x.reshape(-1, c.symbols // c.patch, c.width // c.patch, c.patch, c.patch)
        return x.transpose(2, 3).reshape(-1, c.frames, COEFFICIENTS)


def _block(width: int, heads: int) -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(
        width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
