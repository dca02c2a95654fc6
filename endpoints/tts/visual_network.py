"""The network of visual-guided synthesis: cross-attention, lips are queries, phonemes keys and values."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lossweep.endpoints.tts.inputs import VisualInputs
from lossweep.endpoints.tts.networks import (
    HEADS,
    WIDTH,
    Block,
    ContentEncoder,
    MelGenerator,
    StyleEncoder,
    VarianceAdaptor,
    positions,
)
from lossweep.endpoints.tts.synthesizer import FPS, MELS

LIPS = 6
REACH = 2
FAR_S = 0.02


class LipEncoder(nn.Module):
    """Expressions of a frame and the two before and after it to an embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear((2 * REACH + 1) * (LIPS + 1), 256),
            nn.ReLU(),
            nn.Linear(256, WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, WIDTH),
        )

    def forward(self, lips: Tensor, known: Tensor) -> Tensor:
        """lips [batch, frames, 6]; known [batch, frames], 0 where there are none; to [batch, frames, width]."""
        x = torch.cat([lips * known[..., None], known[..., None]], 2).transpose(1, 2)
        x = nn.functional.pad(x, (REACH, REACH), mode="replicate").unfold(2, 2 * REACH + 1, 1)
        return self.layers(x.transpose(1, 2).flatten(2))


class Aligner(nn.Module):
    """Attention with the lips as query and the phonemes as key and value (the SyncSC paper, eq. 13).

    Two additions to the paper. A receiver knows the words' times, so a phoneme is favoured near its nominal time: its
    logit decreases with the square of the distance from its interval, with a learned width per head. One additional
    key stands for silence. The output is the context plus the position of the frame within the attended phoneme.
    """

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.silence = nn.Parameter(0.1 * torch.randn(WIDTH))
        self.quiet = nn.Parameter(torch.full((HEADS, 1), -1.0))
        self.sharpness = nn.Parameter(torch.linspace(0, 5, HEADS))
        self.phase = nn.Linear(2 * HEADS, WIDTH)

    def forward(
        self, lips: Tensor, content: Tensor, starts: Tensor, ends: Tensor, absent: Tensor, rate: int = FPS
    ) -> Tensor:
        """The context of each frame, [batch, frames, width].

        Args:
            lips: [batch, frames, width], `rate` frames per second.
            content: of phonemes, [batch, n, width].
            starts, ends: of phonemes, [batch, n] in seconds.
            absent: bool [batch, n], True at padding.
        """
        batch, frames, _ = lips.shape
        content = torch.cat([self.silence.expand(batch, 1, -1), content], 1)

        def split(x: Tensor) -> Tensor:
            return x.unflatten(2, (HEADS, -1)).transpose(1, 2)

        q, k, v = split(self.query(lips)), split(self.key(content)), split(self.value(content))
        logits = q @ k.transpose(2, 3) / (WIDTH / HEADS) ** 0.5
        at = (torch.arange(frames, device=lips.device) + 0.5)[None, :, None] / rate
        away = (starts[:, None] - at).clamp(min=0) + (at - ends[:, None]).clamp(min=0)
        off = (at - (starts + ends)[:, None] / 2).abs() / (ends - starts + 0.02)[:, None]
        near = (away / FAR_S).square() + 0.5 * off.clamp(max=2).square()
        near = -near[:, None] * nn.functional.softplus(self.sharpness)[:, None, None]
        quiet = self.quiet[None, :, None].expand(batch, -1, frames, 1)
        logits = logits + torch.cat([quiet, near.masked_fill(absent[:, None, None], -1e4)], 3)
        share = logits.softmax(3)
        context = self.out((share @ v).transpose(1, 2).flatten(2))
        come = ((at - starts[:, None]) / 0.1).clamp(-2, 2)
        left = ((ends[:, None] - at) / 0.1).clamp(-2, 2)
        phases = [(share[..., 1:] * one[:, None]).sum(3) for one in (come, left)]
        return context + self.phase(torch.cat(phases, 1).transpose(1, 2))


class VisualNetwork(nn.Module):
    """Phonemes, lips and a voice to a mel spectrogram (the SyncSC paper, Section III-D and Fig. 5).

    In addition to the paper there is a second attention at four times the frame rate, after the expansion: 40 ms are
    too coarse for the burst of a plosive.
    """

    def __init__(self) -> None:
        super().__init__()
        self.content, self.lips, self.style = ContentEncoder(), LipEncoder(), StyleEncoder()
        self.moving = nn.ModuleList(Block() for _ in range(2))
        self.aligner, self.detail = Aligner(), Aligner()
        self.together = nn.ModuleList(Block() for _ in range(1))
        self.expand = nn.ModuleList(nn.ConvTranspose1d(WIDTH, WIDTH, 4, 2, 1) for _ in range(2))
        self.adaptor, self.generator = VarianceAdaptor(), MelGenerator()

    def forward(self, inputs: VisualInputs, prosody: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """A mel spectrogram for each window.

        Args:
            prosody: see `VarianceAdaptor`.
        Returns:
            mel [batch, 80, 4 frames] in the networks' scale; predicted pitch, voicing and energy [batch, 3, 4 frames].
        """
        starts, ends, absent = inputs.starts, inputs.ends, inputs.absent
        content = self.content(inputs.names, inputs.stress, ends - starts, inputs.masked)
        lips = self.lips(inputs.lips, inputs.known)
        lips = lips + positions(lips.shape[1], lips.device)
        for block in self.moving:
            lips = block(lips)
        fine = lips.repeat_interleave(MELS, 1)
        fine = self.detail(fine, content, starts, ends, absent, FPS * MELS)
        x = self.aligner(lips, content, starts, ends, absent) + lips
        for block in self.together:
            x = block(x)
        x = x.transpose(1, 2)
        for layer in self.expand:
            x = nn.functional.leaky_relu(layer(x), 0.1)
        x = x + fine.transpose(1, 2) + self.style(inputs.voice)[..., None]
        x, predicted = self.adaptor(x, prosody)
        return self.generator(x), predicted
