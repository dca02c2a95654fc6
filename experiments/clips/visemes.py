"""Mouth shapes of phonemes, and the mouth's motion over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from lossweep.endpoints.tts.espeak import Phoneme
from lossweep.experiments.clips.mouth import MouthPose

_STEP_S = 0.005
_SPREAD_S = 0.030  # neighbouring phonemes blend over about this time
_CLOSURE_S = 0.035  # half width of the time in which lips stay together for p, b and m
_LEAD_S = 0.045  # lips are in place a little before the sound

REST = MouthPose(0.0, 0.0, 0.0, 0.95)
_SHAPES = {
    "closed": MouthPose(0.0, 0.0, 0.6, 0.93),  # p b m
    "labiodental": MouthPose(1.7, 0.3, 0.8, 0.94),  # f v
    "dental": MouthPose(1.4, 2.6, 1.8, 0.94),  # th
    "alveolar": MouthPose(1.5, 2.3, 1.3, 0.95),  # t d n s z l
    "postalveolar": MouthPose(1.9, 2.8, 1.5, 0.84),  # sh ch j
    "back": MouthPose(1.2, 3.0, 2.0, 0.93),  # k g ng h
    "rounded": MouthPose(0.9, 1.8, 1.5, 0.74),  # w r
    "a": MouthPose(1.6, 7.4, 5.4, 0.92),
    "uh": MouthPose(1.4, 4.8, 3.6, 0.90),
    "e": MouthPose(1.6, 5.0, 3.6, 0.96),
    "i": MouthPose(1.5, 3.2, 2.0, 0.99),
    "o": MouthPose(1.1, 5.6, 4.4, 0.79),
    "u": MouthPose(0.9, 2.6, 2.4, 0.72),
}
_CONSONANTS = {
    **dict.fromkeys("pbm", "closed"),
    **dict.fromkeys("fv", "labiodental"),
    **dict.fromkeys("TD", "dental"),
    **dict.fromkeys("tdnszlL", "alveolar"),
    **dict.fromkeys("SZj", "postalveolar"),
    **dict.fromkeys("kghNxC?", "back"),
    **dict.fromkeys("wr", "rounded"),
}
_VOWELS = {
    **dict.fromkeys("aA", "a"),
    **dict.fromkeys("@V3", "uh"),
    **dict.fromkeys("eE", "e"),
    **dict.fromkeys("iI", "i"),
    **dict.fromkeys("oO0", "o"),
    **dict.fromkeys("uU", "u"),
}


def mouth_track(phonemes: Sequence[Phoneme], times_s: NDArray[np.float64]) -> list[MouthPose]:
    """The mouth at given times: blended shapes of the phonemes; lips close fully for p, b and m.

    Args:
        phonemes: in order of time.
        times_s: float64 [frames], seconds.
    Returns:
        One pose a time.
    """
    end_s = max([*times_s, *(p.end_s for p in phonemes)], default=0.0) + 0.5
    clock = np.arange(0.0, end_s, _STEP_S)
    track = np.tile(_row(REST), (len(clock), 1))
    closure = np.ones(len(clock))
    for phoneme in phonemes:
        shapes = _shapes(phoneme.name)
        edges = np.linspace(phoneme.start_s, phoneme.end_s, len(shapes) + 1)
        for shape, start, end in zip(shapes, edges, edges[1:], strict=False):
            track[(clock >= start) & (clock < end)] = _row(_SHAPES[shape])
            if shape == "closed":
                beside = np.maximum(np.maximum(start - clock, clock - end), 0.0)
                closure = np.minimum(closure, 1.0 - np.exp(-((beside / _CLOSURE_S) ** 2)))
    track = gaussian_filter1d(track, _SPREAD_S / _STEP_S, axis=0, mode="nearest")
    track[:, :2] *= closure[:, None]
    at = [np.interp(times_s + _LEAD_S, clock, column) for column in track.T]
    return [MouthPose(*(float(v) for v in row)) for row in np.transpose(at)]


def _row(pose: MouthPose) -> list[float]:
    return [pose.upper, pose.lower, pose.jaw, pose.width]


def _shapes(name: str) -> list[str]:
    """Shapes of a phoneme: none in a pause, two in a diphthong."""
    name = name.lstrip("',%=_:|!")
    vowels = [_VOWELS[c] for c in name[:2] if c in _VOWELS]
    if vowels:
        return vowels
    return [_CONSONANTS[name[0]]] if name and name[0] in _CONSONANTS else []
