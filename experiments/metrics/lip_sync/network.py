"""The network of the shipped expert: LR-ASD's encoders, and towers that learned when lips and sound fit."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from lossweep.experiments.metrics.lip_sync.lrasd import WIDTHS, PictureEncoder, SoundEncoder
from lossweep.experiments.metrics.lip_sync.mfcc import COEFFICIENTS
from lossweep.experiments.metrics.lip_sync.mouth_geometry import PAIRS

CEPSTRA_A_FRAME = 4
SEEN = WIDTHS[-1] + len(PAIRS)
HEARD = WIDTHS[-1] + CEPSTRA_A_FRAME * COEFFICIENTS
HIDDEN, NUMBERS, SPAN = 64, 32, 5
MEMBERS = 5
"""Pairs of towers, each from a seed of its own; their mean agreement counts."""


class Tower(nn.Module):
    """From features to unit vectors, a frame each: two layers along time, 9 frames wide together.

    Features count by how they differ from their mean over the clip, in standard deviations of the training clips.
    """

    def __init__(self, features: int, dropout: float = 0.2) -> None:
        super().__init__()
        self.register_buffer("spread", torch.ones(features))
        self.layers = nn.Sequential(
            nn.Dropout1d(dropout),
            nn.Conv1d(features, HIDDEN, SPAN, padding=SPAN // 2),
            nn.BatchNorm1d(HIDDEN),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Conv1d(HIDDEN, NUMBERS, SPAN, padding=SPAN // 2),
        )

    def standard(self, features: Tensor) -> Tensor:
        """What the layers read of features [frames, features] of a whole clip."""
        return (features - features.mean(0)) / self.spread

    def forward(self, standard: Tensor) -> Tensor:
        """[clips, frames, features] to unit vectors [clips, frames, 32]."""
        return normalize(self.layers(standard.mT).mT, dim=-1)


class Pair(nn.Module):
    """A tower for what is seen and one for what is heard; how much an agreement counts in training."""

    def __init__(self) -> None:
        super().__init__()
        self.seen, self.heard = Tower(SEEN), Tower(HEARD)
        self.log_sharpness = nn.Parameter(torch.tensor(3.0))


class SyncNetwork(nn.Module):
    """Encoders and pairs of towers."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures, self.sound = PictureEncoder(), SoundEncoder()
        self.pairs = nn.ModuleList(Pair() for _ in range(MEMBERS))

    def features_seen(self, crops: Tensor, measures: Tensor) -> Tensor:
        """[frames, 141] of lower faces [frames, 112, 112] in 0..255 and mouth measures [frames, 13]."""
        return torch.cat([self.pictures(crops[None])[0], measures], 1)

    def features_heard(self, cepstra: Tensor) -> Tensor:
        """[frames, 180] of cepstra [4 frames, 13]."""
        return torch.cat(
            [self.sound(cepstra[None])[0], cepstra.reshape(-1, CEPSTRA_A_FRAME * COEFFICIENTS)], 1
        )

    def seen(self, *features: Tensor) -> Tensor:
        """Unit vectors [frames, 160] of several looks [frames, 141] at the same pictures of a clip, their mean."""
        out = []
        for pair in self.pairs:
            looks = sum(pair.seen(pair.seen.standard(look)[None])[0] for look in features)
            out.append(normalize(looks, dim=-1))
        return torch.cat(out, 1) / MEMBERS**0.5

    def heard(self, features: Tensor) -> Tensor:
        """Unit vectors [frames, 160] of features [frames, 180] of a clip."""
        vectors = [pair.heard(pair.heard.standard(features)[None])[0] for pair in self.pairs]
        return torch.cat(vectors, 1) / MEMBERS**0.5
