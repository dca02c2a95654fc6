"""Training of one pair of towers, and its offset of a clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize, pad

from lossweep.experiments.metrics.lip_sync.error import SHIFT
from lossweep.experiments.metrics.lip_sync.network import Pair
from lossweep.experiments.training.lip_sync.dataset import Example
from lossweep.experiments.training.trainer import TrainConfig, descend, train

WINDOW, EDGE = 50, 8
"""Frames per window, and context frames on each side."""
WINDOWS_A_STEP = 24
RATE, DECAY = 2e-3, 1e-2
OTHERS = 0.3
"""Weight of the loss against the sound of other clips, relative to the loss against other offsets."""


def fit(clips: Sequence[Example], config: TrainConfig) -> Pair:
    """A pair trained on clips of one alignment.

    A window of 2 s of pictures is compared with its sound at the 31 offsets -15 to 15. The mean cosines are the logits
    of a classification whose target is offset 0 (0.8) and its neighbours (0.1 each).

    Args:
        clips: aligned by `Example.shifted`; clips below 2 s are padded.
        config: CPU time, seed and checkpoint of this pair.
    """
    torch.manual_seed(config.seed)
    pair = Pair().train()
    for tower, part in ((pair.seen, "faces"), (pair.heard, "speech")):
        spread = np.mean([getattr(one, part)[0].std(0) for one in clips], 0)
        tower.spread.copy_(torch.from_numpy(spread + 1e-3))
    seen = [[pair.seen.standard(torch.from_numpy(look)) for look in one.faces] for one in clips]
    heard = [[pair.heard.standard(torch.from_numpy(take)) for take in one.speech] for one in clips]
    share = np.sqrt([len(one) for one in clips])
    optimizer = torch.optim.AdamW(pair.parameters(), RATE, weight_decay=DECAY)
    answer = torch.zeros(2 * SHIFT + 1)
    answer[SHIFT - 1 : SHIFT + 2] = torch.tensor([0.1, 0.8, 0.1])

    def loss(rng: np.random.Generator, used: float) -> tuple[Tensor, Mapping[str, float]]:
        pictures, sounds = [], []
        for i in rng.choice(len(clips), WINDOWS_A_STEP, p=share / share.sum()):
            look, take = (versions[i][rng.integers(len(versions[i]))] for versions in (seen, heard))
            first = rng.integers(0, max(1, len(look) - WINDOW + 1))
            pictures.append(_window(look, first - EDGE, WINDOW + 2 * EDGE, "replicate"))
            sounds.append(_window(take, first - EDGE - SHIFT, WINDOW + 2 * (EDGE + SHIFT), "constant"))
        lips = pair.seen(torch.stack(pictures))[:, EDGE:-EDGE]
        voice = pair.heard(torch.stack(sounds))[:, EDGE:-EDGE]
        sharp = pair.log_sharpness.exp()
        in_time = cross_entropy(sharp * _agreement(lips, voice), answer.expand(WINDOWS_A_STEP, -1))
        across = torch.einsum("atc,btc->ab", lips, voice[:, SHIFT:-SHIFT]) / WINDOW
        own = cross_entropy(sharp * across, torch.arange(WINDOWS_A_STEP))
        return in_time + OTHERS * own, {"in time": float(in_time.detach()), "own": float(own.detach())}

    step = descend(pair, optimizer, loss, max_norm=float("inf"))
    trained = train(config, pair, {"optimizer": optimizer}, step, lambda average: "")
    pair.load_state_dict(trained.average)
    return pair.eval()


@torch.inference_mode()
def cosine_table(pair: Pair, clip: Example) -> NDArray[np.float32]:
    """Cosines [frames, frames] of each picture of a clip with each frame of its sound."""
    looks = sum(pair.seen(pair.seen.standard(torch.from_numpy(look))[None])[0] for look in clip.faces[:2])
    heard = pair.heard(pair.heard.standard(torch.from_numpy(clip.speech[0]))[None])[0]
    return (normalize(looks, dim=-1) @ heard.T).numpy()


def offset(cosines: NDArray[np.float32]) -> int:
    """Frames by which the sound of a whole clip is late."""
    return int(np.argmax([np.diagonal(cosines, k).mean() for k in range(-SHIFT, SHIFT + 1)])) - SHIFT


def _agreement(lips: Tensor, voice: Tensor) -> Tensor:
    """Mean cosines [windows, 31] at the offsets."""
    cosines = torch.einsum("wtc,wuc->wtu", lips, voice)
    offsets = range(voice.shape[1] - lips.shape[1] + 1)
    return torch.stack([cosines.diagonal(k, 1, 2)[:, : lips.shape[1]].mean(1) for k in offsets], 1)


def _window(features: Tensor, first: int, length: int, mode: str) -> Tensor:
    """Rows first to first + length of [frames, features]; padded beyond the ends with torch's `mode`."""
    before, after = max(0, -first), max(0, first + length - len(features))
    rows = features[max(0, first) : first + length]
    return pad(rows.mT[None], (before, after), mode=mode)[0].mT
