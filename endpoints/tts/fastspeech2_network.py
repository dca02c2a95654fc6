"""FastSpeech 2: phonemes to a mel spectrogram with predicted durations; lips are not used."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lossweep.endpoints.tts.inputs import PhonemeInputs
from lossweep.endpoints.tts.networks import (
    WIDTH,
    ContentEncoder,
    MelGenerator,
    StyleEncoder,
    VarianceAdaptor,
)

LONGEST = 60
"""Maximum duration of a phoneme or pause, in mel frames."""


class DurationPredictor(nn.Module):
    """Logarithm of each phoneme's duration in mel frames, [batch, n]."""

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
        self, inputs: PhonemeInputs, durations: Tensor | None = None, prosody: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """A mel spectrogram for each sequence.

        Args:
            durations: mel frames of each phoneme, int [batch, n]; None: as predicted (for a batch of one).
            prosody: see `VarianceAdaptor`.
        Returns:
            mel [batch, 80, frames] in the networks' scale; predicted pitch, voicing, energy [batch, 3, frames];
                predicted logarithms of the durations [batch, n].
        """
        x = self.content(inputs.names, inputs.stress, None, inputs.absent)
        x = x + self.style(inputs.voice)[:, None]
        log_durations = self.lengths(x)
        if durations is None:
            durations = durations_to_frames(log_durations)
        x = torch.nn.utils.rnn.pad_sequence(
            [self._spread(one, length) for one, length in zip(x, durations, strict=True)], batch_first=True
        )
        x, predicted = self.adaptor(x.transpose(1, 2), prosody)
        return self.generator(x), predicted, log_durations

    def _spread(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Each row repeated for its duration, with the frames since its start and until its end."""
        at = torch.arange(int(lengths.sum()), device=x.device)
        ends = lengths.cumsum(0)
        which = torch.repeat_interleave(torch.arange(len(x), device=x.device), lengths)
        come, left = at - (ends - lengths)[which], ends[which] - at
        return x[which] + self.place(torch.stack([come, left], 1).clamp(max=20) / 10)


def durations_to_frames(logarithms: Tensor) -> Tensor:
    """Whole mel frames, 1 to 60, from logarithms of durations."""
    return logarithms.exp().round().clamp(1, LONGEST).long()
