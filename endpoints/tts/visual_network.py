"""The network of visual-guided synthesis: cross-attention, lips are queries, phonemes keys and values."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lossweep.endpoints.tts.inputs import VisualInputs
from lossweep.endpoints.tts.networks import (
    WIDTH,
    Block,
    ContentEncoder,
    MelGenerator,
    StyleEncoder,
    VarianceAdaptor,
    positions,
)
from lossweep.endpoints.tts.retimer import Retimer
from lossweep.endpoints.tts.synthesizer import FPS, MELS

LIPS = 6
REACH = 2
FAR_S = 0.02
LONGEST_S = 0.2
"""Longest time since a phoneme's start, and until its end, that the decoder distinguishes."""


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

    In addition to the paper a phoneme is favoured near its time: its logit decreases with the square of the distance
    from its interval. The output is what is attended to, with the time since its start and until its end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        nn.init.zeros_(self.query.weight)
        nn.init.zeros_(self.query.bias)
        self.sharpness = nn.Parameter(torch.tensor(3.0))
        self.place = nn.Linear(2, WIDTH)

    def forward(self, lips: Tensor, content: Tensor, starts: Tensor, ends: Tensor, absent: Tensor) -> Tensor:
        """The context of each mel frame, [batch, mel frames, width].

        Args:
            lips: [batch, mel frames, width].
            content: of phonemes, [batch, n, width].
            starts, ends: of phonemes, [batch, n] in seconds.
            absent: bool [batch, n], True at padding.
        """
        logits = self.query(lips) @ self.key(content).transpose(1, 2) / WIDTH**0.5
        at = (torch.arange(lips.shape[1], device=lips.device) + 0.5)[None, :, None] / (FPS * MELS)
        since, until = at - starts[:, None], ends[:, None] - at
        away = (-since).clamp(min=0) + (-until).clamp(min=0)
        near = nn.functional.softplus(self.sharpness) * (away / FAR_S).square()
        share = (logits - near).masked_fill(absent[:, None], -1e4).softmax(2)
        inside = [(share * one.clamp(0, LONGEST_S)).sum(2) for one in (since, until)]
        return share @ content + self.place(torch.stack(inside, 2) / (LONGEST_S / 2))


class VisualNetwork(nn.Module):
    """Phonemes, lips and a voice to a mel spectrogram (the SyncSC paper, Section III-D and Fig. 5).

    In addition to the paper the lips first correct the phonemes' times; see `Retimer`. What follows the attention is
    as in `FastSpeech2Network`, with the lips beside the phonemes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.content, self.lips, self.style = ContentEncoder(), LipEncoder(), StyleEncoder()
        self.moving = nn.ModuleList(Block() for _ in range(2))
        self.retimer, self.aligner = Retimer(), Aligner()
        self.seen = nn.Linear(WIDTH, WIDTH)
        nn.init.zeros_(self.seen.weight)
        nn.init.zeros_(self.seen.bias)
        self.adaptor, self.generator = VarianceAdaptor(), MelGenerator(6)

    def forward(self, inputs: VisualInputs, prosody: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """A mel spectrogram for each window.

        Args:
            prosody: see `VarianceAdaptor`.
        Returns:
            mel [batch, 80, 4 frames] in the networks' scale; predicted pitch, voicing and energy [batch, 3, 4 frames].
        """
        content, lips = self._read(inputs)
        starts, ends = retimed(inputs, self.retimer(content, lips, inputs.starts, inputs.ends, inputs.absent))
        voiced = content + self.style(inputs.voice)[:, None]
        fine = lips.repeat_interleave(MELS, 1)
        x = self.aligner(fine, voiced, starts, ends, inputs.absent) + self.seen(fine)
        x, predicted = self.adaptor(x.transpose(1, 2), prosody)
        return self.generator(x), predicted

    def corrections(self, inputs: VisualInputs) -> Tensor:
        """By how many seconds each phoneme is later than its time in the inputs, [batch, n]."""
        content, lips = self._read(inputs)
        return self.retimer(content, lips, inputs.starts, inputs.ends, inputs.absent)

    def _read(self, inputs: VisualInputs) -> tuple[Tensor, Tensor]:
        content = self.content(inputs.names, inputs.stress, None, inputs.absent)
        lips = self.lips(inputs.lips, inputs.known)
        lips = lips + positions(lips.shape[1], lips.device)
        for block in self.moving:
            lips = block(lips)
        return content, lips


def retimed(inputs: VisualInputs, corrections: Tensor) -> tuple[Tensor, Tensor]:
    """Corrected starts and ends [batch, n]; pauses fill what their neighbours leave."""
    starts, ends = inputs.starts + corrections, inputs.ends + corrections
    before = torch.cat([inputs.starts[:, :1], ends[:, :-1]], 1)
    after = torch.cat([starts[:, 1:], inputs.ends[:, -1:]], 1)
    last = torch.cat([inputs.absent[:, 1:], inputs.absent.new_ones(len(starts), 1)], 1)
    after = torch.where(last, inputs.ends, after)
    return torch.where(inputs.pauses, before, starts), torch.where(inputs.pauses, after, ends)
