"""The codec of frames between two known ones, by scale-space flow: the interpolation network of DeepWiVe."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lossweep.endpoints.jscc.key_frame_network import SIDE as BLOCK
from lossweep.endpoints.jscc.key_frame_network import dct_basis
from lossweep.endpoints.jscc.layers import Gdn, channel_state
from lossweep.endpoints.jscc.scale_space import scale_space_warp

SIDE = 16
"""Features have a sixteenth of the picture's height and width."""
CHANNELS = 192
"""Real features per place: at most 96 symbols for 16 x 16 pixels, a bandwidth ratio of 1/8."""
WIDTHS = (64, 96, 160)
"""Features at a quarter, an eighth and a sixteenth of the resolution."""
INPUTS = 21
"""Frame (3), both references moved (6), what each leaves (6), both flows (6)."""
FLOW_FEATURES = 32
KEPT = CHANNELS * BLOCK**2 // SIDE**2
"""DCT coefficients of an 8x8 block that the linear part sends."""


class AttentionFeature(nn.Module):
    """Channel weights from the features' means and the channel's state.

    Source: Xu et al. 2021 (ADJSCC, arXiv 2012.00533), as DeepWiVe uses it.
    """

    def __init__(self, channels: int, squeezed: int = 32) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.Linear(channels + 2, squeezed), nn.LeakyReLU(), nn.Linear(squeezed, channels), nn.Sigmoid()
        )

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        """[batch, channels, h, w] to the same; `state` as in `channel_state`."""
        return x * 2 * self.weigh(torch.cat([x.mean((2, 3)), state], 1))[:, :, None, None]


class Stage(nn.Module):
    """A residual block of two 3x3 convolutions, normalised, then the attention feature module."""

    def __init__(self, channels: int, inverse: bool) -> None:
        super().__init__()
        self.norm = Gdn(channels, inverse=inverse)
        self.block = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(channels, channels, 3, padding=1),
        )
        self.attention = AttentionFeature(channels)

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        """[batch, channels, h, w] to the same."""
        x = self.norm(x)
        return self.attention(x + self.block(x), state)


class FlowEstimator(nn.Module):
    """Scale-space flow from a frame to a reference, at a quarter of the resolution, enlarged."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Conv2d(6 * 16, FLOW_FEATURES, 3, padding=1)
        self.smaller = nn.Conv2d(FLOW_FEATURES, FLOW_FEATURES, 3, 2, 1)
        self.coarse = nn.Sequential(
            nn.Conv2d(FLOW_FEATURES, 2 * FLOW_FEATURES, 3, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * FLOW_FEATURES, 2 * FLOW_FEATURES, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * FLOW_FEATURES, 4 * FLOW_FEATURES, 3, padding=1),
            nn.PixelShuffle(2),
        )
        self.up = nn.Sequential(nn.Conv2d(FLOW_FEATURES, 4 * FLOW_FEATURES, 1), nn.PixelShuffle(2))
        self.leave = nn.Conv2d(FLOW_FEATURES, 3, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(self, frame: Tensor, reference: Tensor) -> Tensor:
        """The flow [batch, 3, height, width], see `scale_space_warp`, from pictures [batch, 3, height, width]."""
        fine = functional.leaky_relu(
            self.fine(functional.pixel_unshuffle(torch.cat([frame, reference], 1), 4)), 0.2
        )
        half = functional.leaky_relu(self.smaller(fine), 0.2)
        half = half + self.coarse(half)
        flow = self.leave(functional.leaky_relu(fine + self.up(half), 0.2))
        return functional.interpolate(4 * flow, scale_factor=4, mode="bilinear", align_corners=False)


class InterpolationNetwork(nn.Module):
    """Encoder and decoder of a frame between two references that both ends have.

    The encoder is given the frame, the references moved to it along scale-space flow, what that leaves, and the flows.
    The decoder makes from the features two flows, a picture, and a mask with three weights per pixel; the frame is the
    weighted sum of both references moved and the picture. Features are ordered: any number of the first can be sent.

    It starts as a linear codec: the picture is the mean of the references and, of the DCT of 8x8 blocks of what that
    leaves, the coefficients of largest variance, each with the gain that is best for known variances. What is trained
    is added. The source starts from random weights, and trains for far longer.

    Source: Tung and Gunduz 2022 (DeepWiVe, arXiv 2111.13034) and its public configuration: 21 input channels, 12 output
    channels, attention feature modules, a sixteenth of the resolution. Widths are smaller here.
    """

    variances: Tensor
    basis: Tensor

    def __init__(self) -> None:
        super().__init__()
        quarter, eighth, sixteenth = WIDTHS
        self.register_buffer("variances", torch.full((KEPT,), 0.01))
        self.register_buffer("basis", dct_basis())
        self.gain = nn.Parameter(torch.zeros(KEPT))
        self.flow = FlowEstimator()
        self.enter = nn.Conv2d(INPUTS * 16, quarter, 1)
        self.encoder = nn.ModuleList(Stage(width, inverse=False) for width in WIDTHS)
        self.down = nn.ModuleList(
            [nn.Conv2d(quarter, eighth, 3, 2, 1), nn.Conv2d(eighth, sixteenth, 3, 2, 1)]
        )
        self.leave = nn.Conv2d(sixteenth, CHANNELS, 3, padding=1)
        self.receive = nn.Conv2d(2 * CHANNELS, sixteenth, 3, padding=1)
        self.decoder = nn.ModuleList(Stage(width, inverse=True) for width in reversed(WIDTHS))
        self.up = nn.ModuleList(
            nn.Sequential(nn.Conv2d(wide, 4 * narrow, 1), nn.PixelShuffle(2))
            for wide, narrow in ((sixteenth, eighth), (eighth, quarter))
        )
        last = nn.Conv2d(quarter, 12 * 16, 3, padding=1)
        self.outputs = nn.Sequential(last, nn.PixelShuffle(4))
        for layer in (last, self.leave):
            nn.init.normal_(layer.weight, std=1e-3)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    @torch.no_grad()
    def start_from(self, frames: Tensor, before: Tensor, after: Tensor) -> None:
        """Sets the linear codec from frames and their references, [n, 3, height, width] in [-1, 1]."""
        left = functional.conv2d(frames - (before + after) / 2, self.basis, stride=BLOCK)
        variance = left.square().mean((0, 2, 3))
        order = torch.argsort(variance, descending=True)
        self.basis.copy_(self.basis[order])
        self.variances.copy_(variance[order][:KEPT])
        self.gain.copy_(-0.25 * self.variances.log())
        scale = (left[:, order[:KEPT]] * self.gain.exp()[:, None, None]).square().mean().sqrt().log()
        self.gain.sub_(scale + 0.1)

    def inputs(self, frame: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """What the encoder is given, [batch, INPUTS, height, width], from pictures in [-1, 1]."""
        flows = [self.flow(frame, reference) for reference in (before, after)]
        moved = [
            scale_space_warp(reference, flow) for reference, flow in zip((before, after), flows, strict=True)
        ]
        left = [frame - one for one in moved]
        spread = torch.tensor([8.0, 8.0, 2.0], device=frame.device).view(1, 3, 1, 1)
        return torch.cat([frame, *moved, *left, *(flow / spread for flow in flows)], 1)

    def encode(
        self, inputs: Tensor, references: tuple[Tensor, Tensor], snr_db: Tensor, share: Tensor
    ) -> Tensor:
        """Features [batch, CHANNELS * places], the most important first.

        Args:
            inputs: see `inputs`; both sides are multiples of 16.
            references: before and after, as the sender expects them at the receiver.
            snr_db: [batch], as the sender believes it.
            share: [batch], of the features that will be sent.
        """
        state = channel_state(snr_db, share)
        x = self.encoder[0](self.enter(functional.pixel_unshuffle(inputs, 4)), state)
        for down, stage in zip(self.down, self.encoder[1:], strict=True):
            x = stage(down(x), state)
        return (self._linear(inputs, *references) + self.leave(x)).flatten(1)

    def _linear(self, inputs: Tensor, before: Tensor, after: Tensor) -> Tensor:
        left = inputs[:, :3] - (before + after) / 2
        coefficients = functional.conv2d(left, self.basis[:KEPT], stride=BLOCK)
        return functional.pixel_unshuffle(coefficients * self.gain.exp()[:, None, None], SIDE // BLOCK)

    def decode(
        self, features: Tensor, variance: Tensor, snr_db: Tensor, before: Tensor, after: Tensor
    ) -> Tensor:
        """The frame [batch, 3, height, width] in [-1, 1].

        Args:
            features: [batch, n], the first ones of `encode`, with noise; n may be 0.
            variance: [batch, n], of the noise of each feature.
            snr_db: [batch], as the receiver believes it.
            before, after: the references that the receiver has, [batch, 3, height, width].
        """
        rows, columns = (side // SIDE for side in before.shape[-2:])
        missing = CHANNELS * rows * columns - features.shape[1]
        state = channel_state(
            snr_db, torch.full_like(snr_db, features.shape[1] / (CHANNELS * rows * columns))
        )
        known = functional.pad(torch.ones_like(features), (0, missing)).view(-1, CHANNELS, rows, columns)
        y = functional.pad(features, (0, missing)).view(-1, CHANNELS, rows, columns)
        spread = self.variances.repeat_interleave((SIDE // BLOCK) ** 2)[:, None, None]
        gain = self.gain.exp().repeat_interleave((SIDE // BLOCK) ** 2)[:, None, None]
        noise = functional.pad(variance, (0, missing)).view(-1, CHANNELS, rows, columns)
        linear = y * spread * gain / (spread * gain**2 + noise)
        x = self.decoder[0](self.receive(torch.cat([linear / spread.sqrt(), known], 1)), state)
        for up, stage in zip(self.up, self.decoder[1:], strict=True):
            x = stage(up(x), state)
        first, second, mask, picture = self.outputs(x).chunk(4, 1)
        reach = torch.tensor([8.0, 8.0, 2.0], device=before.device).view(1, 3, 1, 1)
        moved = [
            scale_space_warp(reference, flow * reach)
            for reference, flow in ((before, first), (after, second))
        ]
        coefficients = functional.pixel_shuffle(linear, SIDE // BLOCK)
        sent = functional.conv_transpose2d(coefficients, self.basis[:KEPT], stride=BLOCK)
        picture = ((before + after) / 2 + sent + picture).clamp(-1, 1)
        weights = (mask + torch.tensor([0.0, 0.0, 3.0], device=mask.device).view(1, 3, 1, 1)).softmax(1)
        return (torch.stack([*moved, picture], 1) * weights[:, :, None]).sum(1)
