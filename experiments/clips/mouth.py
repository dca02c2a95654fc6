"""The mouth of the portrait: lips that close and open over fixed teeth.

Coordinates are pixels of the 512x512 photograph. Three continuous layers meet at the two inner lip
lines: the skin above, the skin below (lower lip, chin) and the inside of the mouth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

Array = NDArray[np.float64]

LEFT, RIGHT = np.array([202.6, 139.8]), np.array([244.4, 140.9])
MIDDLE, HALF_WIDTH = 223.5, 20.9
_UPPER = PchipInterpolator(
    [202.6, 206, 210, 215, 220, 225, 230, 235, 240, 244.4],
    [139.8, 140.3, 141.2, 142.1, 142.7, 143.0, 142.8, 142.2, 140.9, 140.9],
)
_LOWER = PchipInterpolator(
    [202.6, 205, 208, 212, 216, 220, 225, 230, 234, 238, 241, 244.4],
    [139.8, 142.6, 145.9, 148.4, 149.6, 150.2, 150.2, 149.6, 148.3, 146.4, 144.2, 140.9],
)
_SEAM = 0.5  # where closed lips meet, between upper (0) and lower (1) inner lip line of the photograph
_EDGE = 1.0  # width in pixels over which two layers mix


@dataclass(frozen=True)
class MouthPose:
    """Shape of the mouth, lengths in pixels of the photograph (the mouth is 42 wide).

    Attributes:
        upper: upper lip above the line where the closed lips meet, 0 to 3.
        lower: lower lip below it, 0 to 11.
        jaw: drop of the chin, 0 to 7.
        width: of the mouth against the photograph's, 0.7 to 1.05.
    """

    upper: float = 0.0
    lower: float = 0.0
    jaw: float = 0.0
    width: float = 1.0


def smoothstep(x: Array, low: float, high: float) -> Array:
    """0 below `low`, 1 above `high`, 3u^2 - 2u^3 between."""
    u = np.clip((x - low) / (high - low), 0.0, 1.0)
    return u * u * (3.0 - 2.0 * u)


def _line(spline: PchipInterpolator, x: Array) -> Array:
    """An inner lip line; beyond the corners, the straight line through them."""
    inside = spline(np.clip(x, LEFT[0], RIGHT[0]))
    slope = (RIGHT[1] - LEFT[1]) / (RIGHT[0] - LEFT[0])
    return inside + slope * (x - np.clip(x, LEFT[0], RIGHT[0]))


def _invert(y: Array, displacement) -> Array:
    """Solves s + displacement(s) = y for s; the slope of `displacement` is above -1 and below 1."""
    s = y - displacement(y)
    for _ in range(9):
        s = y - displacement(s)
    return s


def compose(x: Array, y: Array, pose: MouthPose, sample) -> NDArray[np.float32]:
    """The picture around the mouth.

    Args:
        x, y: float64 [h, w], coordinates in the photograph.
        pose: shape of the mouth.
        sample: (x, y) -> colours float32 [h, w, 3] of the photograph.
    Returns:
        Colours, float32 [h, w, 3] in 0..255.
    """
    squeeze = (1.0 / pose.width - 1.0) * np.exp(-(((y - 145.0) / 15.0) ** 2))
    reach = 1.0 - smoothstep(np.abs(x - MIDDLE), 0.75 * HALF_WIDTH, 2.1 * HALF_WIDTH)
    xs = x + (x - MIDDLE) * squeeze * reach
    t = (xs - MIDDLE) / HALF_WIDTH
    upper0, lower0 = _line(_UPPER, xs), _line(_LOWER, xs)
    seam = upper0 + _SEAM * (lower0 - upper0)
    profile = np.clip(1.0 - t * t, 0.0, 1.0) ** 0.65
    corner = (1.2 + 0.25 * pose.jaw + 8.0 * (1.0 - pose.width)) * np.where(
        np.abs(t) < 1.0, t * t, np.exp(-(((np.abs(t) - 1.0) / 0.5) ** 2))
    )
    upper = seam - pose.upper * profile + corner
    lower = seam + pose.lower * profile + corner

    def raise_upper(s: Array) -> Array:
        return (upper - upper0) * smoothstep(s - upper0, -10.5, -0.5)

    chin = pose.jaw * (1.0 - smoothstep(np.abs(x - MIDDLE), 20.0, 46.0))

    def drop_lower(s: Array) -> Array:
        near = 1.0 - smoothstep(s - lower0, 1.5, 13.0)
        return (lower - lower0) * near + chin * (1.0 - near) * (1.0 - smoothstep(s, 174.0, 196.0))

    lip = np.clip(lower0 - upper0, 0.0, 1.0)
    skin_above = sample(xs, np.minimum(_invert(y, raise_upper), upper0 - 0.4 * lip))
    skin_below = sample(xs, np.maximum(_invert(y, drop_lower), lower0 + 0.4 * lip))
    above = np.clip((upper - y) / _EDGE + 0.5, 0.0, 1.0)[..., None]
    below = np.minimum(np.clip((y - lower) / _EDGE + 0.5, 0.0, 1.0)[..., None], 1.0 - above)
    inside = _inside(x, y, upper, lower, sample)
    picture = above * skin_above + below * skin_below + (1.0 - above - below) * inside
    crease = 0.45 * np.exp(-(((y - 0.5 * (upper + lower)) / 0.8) ** 2)) * smoothstep(profile, 0.0, 0.5)
    crease *= 1.0 - smoothstep(lower - upper, 0.5, 2.0)
    return (picture * (1.0 - crease[..., None] * np.array([0.75, 1.0, 1.0]))).astype(np.float32)


def _inside(x: Array, y: Array, upper: Array, lower: Array, sample) -> NDArray[np.float32]:
    """Upper teeth (the photograph's own, fixed to the skull), the dark behind them, the tongue below."""
    t = (x - MIDDLE) / HALF_WIDTH
    gap = np.maximum(lower - upper, 1e-3)
    tongue = smoothstep((y - upper) / gap, 0.55, 1.0) * smoothstep(gap, 6.0, 12.0) * np.clip(1 - t * t, 0, 1)
    dark = np.array([46.0, 18.0, 16.0]) + tongue[..., None] * np.array([96.0, 46.0, 44.0])
    end = np.minimum(_line(_LOWER, x) - 0.8, 149.0)
    teeth = np.clip((end - y) / 0.9 + 0.5, 0.0, 1.0) * np.clip((y - _line(_UPPER, x)) / 1.2 + 0.5, 0.0, 1.0)
    shade = 0.55 + 0.4 * smoothstep(y - upper, 0.0, 3.0)
    teeth, shade = teeth[..., None], shade[..., None]
    return (teeth * shade * sample(x, y) + (1.0 - teeth) * dark).astype(np.float32)
