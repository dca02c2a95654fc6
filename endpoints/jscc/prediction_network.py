"""The codec of frames between two key frames: what the receiver predicts from them, and what is sent to correct it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lossweep.endpoints.jscc.flow_network import FlowNetwork, warp
from lossweep.endpoints.jscc.key_frame_network import COEFFICIENTS, SIDE, dct_basis
from lossweep.endpoints.jscc.layers import Gdn, NoiseAttention, ResidualBlock, channel_state

CHANNELS = 24
"""Real features per place."""
WIDTH = 96
ENCODER_BLOCKS, DECODER_BLOCKS = 2, 3
REFERENCES = 4
"""Pictures that the decoder predicts from: both key frames, both warped."""


class Fusion(nn.Module):
    """Branches with different kernels, weighted per channel by a softmax over the branches.

    Source: Li et al. 2019 (selective kernels), as Zhang et al. use it, Fig. 2a.
    """

    def __init__(self, entering: int, channels: int, squeezed: int = 32) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(nn.Conv2d(entering, channels, size, padding=size // 2), nn.PReLU(channels))
            for size in (1, 3)
        )
        self.squeeze = nn.Sequential(nn.Linear(channels, squeezed), nn.PReLU())
        self.choose = nn.Linear(squeezed, channels * len(self.branches))

    def forward(self, x: Tensor) -> Tensor:
        """[batch, entering, h, w] to [batch, channels, h, w]."""
        outputs = torch.stack([branch(x) for branch in self.branches], 1)
        weights = self.choose(self.squeeze(outputs.sum(1).mean((2, 3))))
        weights = weights.view(len(x), len(self.branches), -1).softmax(1)
        return (outputs * weights[..., None, None]).sum(1)


class ResUnet(nn.Module):
    """Two scales of residual blocks with noise attention on the way up; a simplified Res-UNet (paper, Fig. 4)."""

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(channels, channels, 4, 2, 1)
        self.deep = nn.ModuleList(ResidualBlock(channels) for _ in range(blocks))
        self.up = nn.Sequential(nn.Conv2d(channels, 4 * channels, 1), nn.PixelShuffle(2))
        self.attention = NoiseAttention(channels)
        self.flat = nn.ModuleList(ResidualBlock(channels) for _ in range(blocks))

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        """[batch, channels, h, w] to the same; h and w of any size."""
        rows, columns = x.shape[-2:]
        padded = functional.pad(x, (0, columns % 2, 0, rows % 2), mode="replicate")
        y = self.down(padded)
        for block in self.deep:
            y = block(y, state)
        x = x + self.attention(self.up(y)[..., :rows, :columns], state)
        for block in self.flat:
            x = block(x, state)
        return x


class PredictionNetwork(nn.Module):
    """Encoder and decoder of a frame between two key frames.

    Both ends find the bidirectional flow of the two key frames, the sender from those that it knows the receiver would
    have without noise, the receiver from those that it has; no flow is sent. The frame is predicted from both key
    frames, as they are and moved along the flow in proportion to its time. The sender sends features of the frame given
    that prediction, ordered as in `KeyFrameNetwork`.

    Deviation from Zhang et al.: flow is of the key frames alone, since flow to the frame itself would have to be sent.
    """

    variances: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("variances", torch.full((COEFFICIENTS,), 0.01))
        self.register_buffer("basis", dct_basis())
        self.register_buffer("residual_variances", torch.full((CHANNELS,), 0.01))
        self.flow = FlowNetwork()
        self.mix = nn.Sequential(
            nn.Conv2d(3 * REFERENCES * 4 + 1, 32, 3, padding=1),
            nn.PReLU(32),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.PReLU(32),
            nn.Conv2d(32, REFERENCES, 3, padding=1),
        )
        nn.init.zeros_(self.mix[-1].weight)
        nn.init.zeros_(self.mix[-1].bias)  # type: ignore[arg-type]
        self.gain = nn.Parameter(torch.zeros(CHANNELS))
        self.fuse = Fusion(2 * COEFFICIENTS, WIDTH)
        self.norm = Gdn(WIDTH)
        self.encoder = nn.ModuleList(ResidualBlock(WIDTH) for _ in range(ENCODER_BLOCKS))
        self.leave = nn.Conv2d(WIDTH, CHANNELS, 3, padding=1)
        self.receive = nn.Conv2d(2 * CHANNELS + COEFFICIENTS, WIDTH, 3, padding=1)
        self.decoder = ResUnet(WIDTH, DECODER_BLOCKS)
        self.inverse_norm = Gdn(WIDTH, inverse=True)
        self.refine = nn.Conv2d(WIDTH, COEFFICIENTS, 3, padding=1)
        for layer in (self.leave, self.refine):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def predict(self, before: Tensor, after: Tensor, when: Tensor) -> Tensor:
        """What both key frames say of a frame between them, [batch, 3, height, width].

        Args:
            before, after: key frames [batch, 3, height, width] in [-1, 1].
            when: [batch], the frame's time from the first (0) to the second (1).
        """
        time = when[:, None, None, None]
        forth, back = self.flow(before, after)
        references = [
            before,
            after,
            warp(before, time * back),
            warp(after, (1 - time) * forth),
        ]
        small = functional.pixel_unshuffle(torch.cat(references, 1), 2)
        clock = time.expand(-1, 1, *small.shape[-2:])
        weights = functional.interpolate(
            self.mix(torch.cat([small, clock], 1)), scale_factor=2, mode="bilinear", align_corners=False
        )
        near = torch.cat([1 - time, time, 1 - time, time], 1).clamp(min=1e-3).log()
        weights = (weights + near).softmax(1)
        return (torch.stack(references, 1) * weights[:, :, None]).sum(1)

    def encode(self, frame: Tensor, predicted: Tensor, snr_db: Tensor, share: Tensor) -> Tensor:
        """Features [batch, CHANNELS * places], the most important first; arguments as in `KeyFrameNetwork.encode`."""
        state = channel_state(snr_db, share)
        expected = functional.conv2d(predicted, self.basis, stride=SIDE)
        residual = functional.conv2d(frame - predicted, self.basis, stride=SIDE)
        scale = self.variances.sqrt()[:, None, None]
        x = self.norm(self.fuse(torch.cat([residual / scale, expected / (3 * scale)], 1)))
        for block in self.encoder:
            x = block(x, state)
        linear = residual[:, :CHANNELS] * self.gain.exp()[:, None, None]
        return (linear + self.leave(x)).flatten(1)

    def decode(self, features: Tensor, variance: Tensor, predicted: Tensor, snr_db: Tensor) -> Tensor:
        """The frame [batch, 3, height, width]; arguments as in `KeyFrameNetwork.decode`."""
        rows, columns = (side // SIDE for side in predicted.shape[-2:])
        places = CHANNELS * rows * columns
        missing = places - features.shape[1]
        state = channel_state(snr_db, torch.full_like(snr_db, features.shape[1] / places))
        known = functional.pad(torch.ones_like(features), (0, missing)).view(-1, CHANNELS, rows, columns)
        y = functional.pad(features, (0, missing)).view(-1, CHANNELS, rows, columns)
        spread, gain = self.residual_variances[:, None, None], self.gain.exp()[:, None, None]
        noise = functional.pad(variance, (0, missing)).view(-1, CHANNELS, rows, columns)
        linear = y * spread * gain / (spread * gain**2 + noise)
        scale = self.variances.sqrt()[:, None, None]
        expected = functional.conv2d(predicted, self.basis, stride=SIDE)
        x = self.receive(torch.cat([linear / spread.sqrt(), known, expected / (3 * scale)], 1))
        x = self.decoder(x, state)
        coefficients = functional.pad(linear, (0, 0, 0, 0, 0, COEFFICIENTS - CHANNELS))
        coefficients = coefficients + self.refine(self.inverse_norm(x)) * scale
        return predicted + functional.conv_transpose2d(coefficients, self.basis, stride=SIDE)
