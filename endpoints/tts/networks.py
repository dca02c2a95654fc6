"""Layers shared by the synthesizers' networks."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from lossweep.endpoints.tts.phonemes import NAMES
from lossweep.endpoints.tts.spectrum import BANDS

WIDTH = 160
HEADS = 4
MIDDLE, SPREAD = -5.0, 2.5
"""About the mean and the standard deviation of mel spectrograms; networks see (mel - MIDDLE) / SPREAD."""
TONIC, OCTAVE = math.log(150.0), 0.35
"""Pitch is (log Hz - TONIC) / OCTAVE in networks."""
LOUD, RANGE = 0.0, 2.5
"""Energy is (log of the mel bands' sum - LOUD) / RANGE in networks."""


def positions(count: int, device: torch.device | str, width: int = WIDTH) -> Tensor:
    """Sines and cosines [count, width] (Vaswani et al. 2017, section 3.5)."""
    rate = torch.exp(torch.arange(0, width, 2, device=device) * (-math.log(10000.0) / width))
    angle = torch.arange(count, device=device)[:, None] * rate
    return torch.cat([angle.sin(), angle.cos()], 1)


class Block(nn.Module):
    """A feed-forward Transformer block: self-attention, then convolutions (FastSpeech, Ren et al. 2019)."""

    def __init__(self, width: int = WIDTH, inner: int = 448) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, HEADS, batch_first=True)
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.widen = nn.Conv1d(width, inner, 3, padding=1)
        self.narrow = nn.Conv1d(inner, width, 1)

    def forward(self, x: Tensor, absent: Tensor | None = None) -> Tensor:
        """x [batch, n, width]; absent bool [batch, n], True at padding."""
        y = self.before(x)
        x = x + self.attention(y, y, y, key_padding_mask=absent, need_weights=False)[0]
        y = self.between(x)
        y = y if absent is None else y.masked_fill(absent[..., None], 0.0)
        return x + self.narrow(torch.relu(self.widen(y.transpose(1, 2)))).transpose(1, 2)


class ContentEncoder(nn.Module):
    """Phonemes with stress and nominal length to embeddings [batch, n, width].

    In training the first position is random from 0 to 99, so that positions beyond the length of training windows
    are trained too.
    """

    def __init__(self, blocks: int = 3) -> None:
        super().__init__()
        self.name = nn.Embedding(len(NAMES), WIDTH)
        self.stress = nn.Embedding(3, WIDTH)
        self.length = nn.Linear(1, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(blocks))

    def forward(self, names: Tensor, stress: Tensor, seconds: Tensor | None, absent: Tensor) -> Tensor:
        """names, stress int [batch, n]; seconds [batch, n] or None where lengths are not known; absent as `Block`."""
        first = int(torch.randint(0, 100, ())) if self.training else 0
        x = self.name(names) + self.stress(stress) + positions(first + names.shape[1], names.device)[first:]
        if seconds is not None:
            x = x + self.length((seconds.clamp(min=0.01) / 0.08).log()[..., None])
        for block in self.blocks:
            x = block(x, absent)
        return x


class StyleEncoder(nn.Module):
    """A segment of the talker's speech to one vector."""

    def __init__(self, inner: int = 128) -> None:
        super().__init__()
        widths = (BANDS, inner, inner, inner)
        self.layers = nn.Sequential(
            *(
                layer
                for i in range(3)
                for layer in (nn.Conv1d(widths[i], widths[i + 1], 5, 2 if i else 1, padding=2), nn.ReLU())
            )
        )
        self.out = nn.Linear(2 * inner, WIDTH)

    def forward(self, mel: Tensor) -> Tensor:
        """mel [batch, 80, frames] in the networks' scale to [batch, width]."""
        x = self.layers(mel)
        return self.out(torch.cat([x.mean(2), x.std(2)], 1))


class VarianceAdaptor(nn.Module):
    """Predicts pitch, voicing and energy of each mel frame, and adds them (FastSpeech 2, Ren et al. 2021)."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv1d(WIDTH, WIDTH, 3, padding=1) for _ in range(2))
        self.between, self.after = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.out = nn.Linear(WIDTH, 3)
        self.embed = nn.Conv1d(3, WIDTH, 5, padding=2)

    def forward(self, x: Tensor, prosody: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Adds the prosody to the features.

        Args:
            x: [batch, width, n].
            prosody: [batch, 3, n]: pitch, voiced (0, 1), energy; None: as predicted.
        Returns:
            x with the prosody added; predicted [batch, 3, n]: pitch, voicing as a logit, energy.
        """
        y = self.between(torch.relu(self.first(x)).transpose(1, 2)).transpose(1, 2)
        y = self.after(torch.relu(self.second(y)).transpose(1, 2))
        predicted = self.out(y).transpose(1, 2)
        pitch, voiced, energy = (predicted if prosody is None else prosody).unbind(1)
        voiced = (voiced > 0).to(x.dtype) if prosody is None else voiced
        return x + self.embed(torch.stack([pitch * voiced, voiced, energy], 1)), predicted


class MelGenerator(nn.Module):
    """Convolutions from adapted features [batch, width, n] to mel [batch, 80, n] in the networks' scale."""

    def __init__(self, blocks: int = 5, inner: int = 448) -> None:
        super().__init__()
        self.across = nn.ModuleList(
            nn.Conv1d(WIDTH, WIDTH, 9, padding=4, groups=WIDTH) for _ in range(blocks)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(blocks))
        self.widen = nn.ModuleList(nn.Linear(WIDTH, inner) for _ in range(blocks))
        self.narrow = nn.ModuleList(nn.Linear(inner, WIDTH) for _ in range(blocks))
        self.out = nn.Linear(WIDTH, BANDS)

    def forward(self, x: Tensor) -> Tensor:
        for across, norm, widen, narrow in zip(self.across, self.norms, self.widen, self.narrow, strict=True):
            y = norm(across(x).transpose(1, 2))
            x = x + narrow(torch.nn.functional.gelu(widen(y))).transpose(1, 2)
        return self.out(x.transpose(1, 2)).transpose(1, 2)
