"""FastSpeech 2 on this project's data: phonemes in, durations of its own, no lips."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lossweep.endpoints.tts.networks import (
    WIDTH,
    ContentEncoder,
    MelGenerator,
    StyleEncoder,
    VarianceAdaptor,
)

LONGEST = 60
"""Mel frames of a phoneme or pause, at most."""


class DurationPredictor(nn.Module):
    """Log of the mel frames that each phoneme lasts, [batch, n]."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv1d(WIDTH, WIDTH, 3, padding=1) for _ in range(2))
        self.between, self.after = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.out = nn.Linear(WIDTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.between(torch.relu(self.first(x.transpose(1, 2))).transpose(1, 2))
        y = self.after(torch.relu(self.second(y.transpose(1, 2))).transpose(1, 2))
        return self.out(y)[..., 0]


class FastSpeech2Network(nn.Module):
    """Phonemes and a voice to a mel spectrogram (Ren et al. 2021); the decoder is convolutional, for speed."""

    def __init__(self) -> None:
        super().__init__()
        self.content, self.style, self.lengths = ContentEncoder(), StyleEncoder(), DurationPredictor()
        self.place = nn.Linear(2, WIDTH)
        self.adaptor, self.generator = VarianceAdaptor(), MelGenerator(6)

    def forward(
        self, given: dict[str, Tensor], lengths: Tensor | None = None, true: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """A mel spectrogram for each sequence.

        Args:
            given: names, stress (int [batch, n]), absent (bool [batch, n]), voice [batch, 80, any].
            lengths: mel frames of each phoneme, int [batch, n]; None: as foretold (for a batch of one).
            true: see `VarianceAdaptor`.
        Returns:
            mel [batch, 80, frames] in the networks' scale; pitch, voicing, energy [batch, 3, frames]; what is foretold
                of the lengths' logarithms [batch, n].
        """
        x = self.content(given["names"], given["stress"], None, given["absent"])
        x = x + self.style(given["voice"])[:, None]
        told_lengths = self.lengths(x)
        if lengths is None:
            lengths = frames_of(told_lengths)
        x = torch.nn.utils.rnn.pad_sequence(
            [self._spread(one, length) for one, length in zip(x, lengths, strict=True)], batch_first=True
        )
        x, told = self.adaptor(x.transpose(1, 2), true)
        return self.generator(x), told, told_lengths

    def _spread(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Each row for as long as it lasts, with how far it has come and how much is left."""
        at = torch.arange(int(lengths.sum()), device=x.device)
        ends = lengths.cumsum(0)
        which = torch.repeat_interleave(torch.arange(len(x), device=x.device), lengths)
        come, left = at - (ends - lengths)[which], ends[which] - at
        return x[which] + self.place(torch.stack([come, left], 1).clamp(max=20) / 10)


def frames_of(logarithms: Tensor) -> Tensor:
    """Whole mel frames, 1 to 60, of the lengths' logarithms."""
    return logarithms.exp().round().clamp(1, LONGEST).long()
