"""How well the viseme regression explains the lips of what is held out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.tts.viseme_regression import MAX_LAG, VisemeRegression, best_lag
from lossweep.experiments.training.tts.recorded_clips import RecordedClip


def print_fit(
    visemes: VisemeRegression,
    clips: Sequence[RecordedClip],
    features: Sequence[NDArray[np.float32]],
    lips: Sequence[NDArray[np.float32]],
) -> None:
    """Prints the explained variance by kind of clip, without shift and with each clip's best lag.

    Args:
        features, lips: of each clip, see `viseme_regression.fit`.
    """
    inner = slice(MAX_LAG, -MAX_LAG)
    for kind in sorted({clip.kind for clip in clips}):
        held = [i for i, clip in enumerate(clips) if clip.person.held_out and clip.kind == kind]
        if not held:
            continue
        real = np.concatenate([lips[i][inner] for i in held])
        for what, own in (("as they are", False), ("each at its own offset", True)):
            late = [best_lag(visemes.weights, features[i], lips[i]) if own else 0 for i in held]
            guess = np.concatenate(
                [
                    (np.roll(features[i], k, 0) @ visemes.weights)[inner]
                    for i, k in zip(held, late, strict=True)
                ]
            )
            explained = 1 - ((real - guess) ** 2).sum(0) / (real**2).sum(0)
            print(f"R2 on {len(held)} {kind} clips held out, {what} {late}: {np.round(explained, 2)}")
