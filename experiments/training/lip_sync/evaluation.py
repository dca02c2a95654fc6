"""How good an expert is: whether it finds shifted sound, and tells a clip's sound from another's."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossweep.experiments.metrics.lip_sync.error import SHIFT, lip_sync_error, mean_distances

WINDOW, HOP, APART = 50, 10, 10
"""Frames per window, between windows, and around a window that are not used for the clip's own offset."""
SHIFTS = range(-10, 11)
REACH, MAX_OFFSET = 45, 15
RESAMPLES = 2000


@dataclass(frozen=True)
class Embeddings:
    """Embeddings of a clip's pictures and sound: float32 [frames, size] each."""

    name: str
    identity: str
    faces: NDArray[np.float32]
    speech: NDArray[np.float32]


def lag_table(clip: Embeddings) -> NDArray[np.float64]:
    """Distances [frames, 91] of each picture from the sound k = -45 to 45 frames later; nan where there is none."""
    frames = len(clip.faces)
    table = np.full((frames, 2 * REACH + 1), np.nan)
    for k in range(-REACH, REACH + 1):
        first, last = max(0, -k), min(frames, frames - k)
        if first < last:
            apart = clip.faces[first:last] - clip.speech[first + k : last + k]
            table[first:last, k + REACH] = np.linalg.norm(apart, axis=1)
    return table


def shifts_found(clip: Embeddings, from_own_offset: bool) -> NDArray[np.bool_]:
    """Whether a shift of the sound is found within one frame: for each window of 2 s of pictures, each of 21 shifts.

    The sound around the window counts as far as it is within 15 frames, as in SyncNet's own measure.

    Args:
        put_right: count from the clip's own offset, measured on the rest of the clip (more than 10 frames from the
            window; windows with less than 2 s of it are left out). Otherwise count from 0.
    Returns:
        bool [windows x 21].
    """
    table, hits = lag_table(clip), []
    for first in range(0, len(table) - WINDOW + 1, HOP):
        own = 0
        if from_own_offset:
            rest = np.ones(len(table), bool)
            rest[max(0, first - APART) : first + WINDOW + APART] = False
            if rest.sum() < WINDOW:
                continue
            own = _nearest(table[rest], range(-MAX_OFFSET, MAX_OFFSET + 1))
        for shift in SHIFTS:
            offsets = range(own - shift - SHIFT, own - shift + SHIFT + 1)
            hits.append(abs(_nearest(table[first : first + WINDOW], offsets) - own) <= 1)
    return np.array(hits, bool)


def whole_clip_offset(clip: Embeddings) -> int:
    """Frames by which the sound of a clip is late, over the whole clip."""
    return lip_sync_error(mean_distances(clip.faces, clip.speech)).offset


def _nearest(rows: NDArray[np.float64], offsets: range) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # offsets for which there is no sound at all
        means = np.nanmean(rows[:, [k + REACH for k in offsets]], axis=0)
    return offsets[int(np.nanargmin(means))]


def confidences(clips: Sequence[Embeddings]) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """LSE-C of each clip's pictures with its own sound, and with the sound of each clip of another person."""
    own = np.array([_confidence(clip.faces, clip.speech) for clip in clips])
    others = [
        np.array([_confidence(a.faces, b.speech) for b in clips if b.identity != a.identity]) for a in clips
    ]
    return own, others


def _confidence(faces: NDArray[np.float32], speech: NDArray[np.float32]) -> float:
    frames = min(len(faces), len(speech))
    return lip_sync_error(mean_distances(faces[:frames], speech[:frames])).confidence


def interval(groups: Sequence[NDArray], seed: int = 1) -> tuple[float, float, float]:
    """The mean of all values in groups, and its 95 % interval by bootstrap over groups."""
    groups = [group for group in groups if len(group)]
    rng = np.random.default_rng(seed)
    means = [
        np.concatenate([groups[i] for i in rng.integers(0, len(groups), len(groups))]).mean()
        for _ in range(RESAMPLES)
    ]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(np.concatenate(groups).mean()), float(low), float(high)
