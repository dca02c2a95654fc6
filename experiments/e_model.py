"""The E-model: the conversational quality of speech from delay and loss (ITU-T G.107)."""

from __future__ import annotations

import math

R_WITHOUT_IMPAIRMENT = 93.2
"""R of G.107 with all its parameters at their defaults, without delay and equipment impairment."""
IE, BPL = 0.0, 25.1
"""Equipment impairment and robustness to loss: those of G.711 with concealment (ITU-T G.113, Appendix I).

G.113 has none for Opus at these rates; the figures of G.711 are taken for every codec, so the model compares delay and
loss, not codecs.
"""


def e_model(delay_s: float, loss: float, burst_ratio: float = 1.0) -> tuple[float, float]:
    """Transmission rating R and mean opinion score.

    Args:
        delay_s: mouth to ear, one way.
        loss: fraction of the frames not there when they are played, in [0, 1].
        burst_ratio: mean loss burst over that of independent loss, >= 1 (`BurstR`).
    Returns:
        R in [0, 100], MOS in [1, 4.5].
    Raises:
        ValueError: an argument out of its range.
    Source: ITU-T G.107, Idd (equation 7-27), Ie,eff (7-29) and Annex B (MOS). No echo, so that Idte and Idle are 0.
    """
    if not (delay_s >= 0.0 and 0.0 <= loss <= 1.0 and burst_ratio > 0.0):
        raise ValueError(f"delay {delay_s}, loss {loss}, burst ratio {burst_ratio}: out of their ranges")
    percent = 100 * loss
    impaired = IE + (95 - IE) * percent / (percent / burst_ratio + BPL)
    rating = min(100.0, max(0.0, R_WITHOUT_IMPAIRMENT - _delay_impairment(delay_s) - impaired))
    mos = 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6
    return rating, max(1.0, mos)


def _delay_impairment(delay_s: float) -> float:
    if delay_s <= 0.1:
        return 0.0
    x = math.log2(delay_s / 0.1)
    return 25 * ((1 + x**6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2)
