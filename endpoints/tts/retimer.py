"""Corrects the times of phonemes by the lips."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lossweep.endpoints.tts.networks import WIDTH, Block
from lossweep.endpoints.tts.synthesizer import FPS

HEADS = 8
REACH_S = 0.8
"""Lips further from a phoneme's time are not looked at."""
BINS = 33
"""Of the distance in time from a phoneme, from -REACH_S to REACH_S."""
MOST_S = 0.4
"""Largest correction."""


class Retimer(nn.Module):
    """How much later each phoneme is than its word's time says: attention from the phoneme to the lips around it.

    Each head favours lips that fit the phoneme, and distances in time by a learned table; it gives what it attends
    to, and how far from the phoneme's middle that is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.at = nn.Parameter(torch.zeros(HEADS, BINS))
        self.join = nn.Linear(WIDTH + HEADS, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(2))
        self.out = nn.Linear(WIDTH, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, content: Tensor, lips: Tensor, starts: Tensor, ends: Tensor, absent: Tensor) -> Tensor:
        """Corrections in seconds, [batch, n], within plus or minus MOST_S.

        Args:
            content: of phonemes, [batch, n, width].
            lips: [batch, frames, width], 25 frames per second.
            starts, ends: of phonemes, [batch, n] in seconds from the first frame's beginning.
            absent: bool [batch, n], True at padding.
        """

        def split(x: Tensor) -> Tensor:
            return x.unflatten(2, (HEADS, -1)).transpose(1, 2)

        seconds = (torch.arange(lips.shape[1], device=lips.device) + 0.5) / FPS
        off = seconds - ((starts + ends) / 2)[..., None]
        place = ((off / REACH_S).clamp(-1, 1) + 1) / 2 * (BINS - 1)
        low = place.floor().clamp(max=BINS - 2)
        share = place - low
        near = self.at[:, low.long()] * (1 - share) + self.at[:, low.long() + 1] * share
        logits = split(self.query(content)) @ split(self.key(lips)).transpose(2, 3) / (WIDTH / HEADS) ** 0.5
        far = (off.abs() > REACH_S)[:, None]
        weights = (logits + near.transpose(0, 1)).masked_fill(far, -1e4).softmax(3)
        seen = (weights @ split(self.value(lips))).transpose(1, 2).flatten(2)
        where = (weights * off.clamp(-REACH_S, REACH_S)[:, None]).sum(3).transpose(1, 2)
        x = content + self.join(torch.cat([seen, where / REACH_S], 2))
        for block in self.blocks:
            x = block(x, absent)
        return MOST_S * torch.tanh(self.out(x)[..., 0])
