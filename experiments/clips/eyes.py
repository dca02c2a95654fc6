"""The eyes of the portrait: upper lids that close over fixed eyes.

Coordinates are pixels of the 512x512 photograph.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

Array = NDArray[np.float64]

_LASHES = 2.6  # height of the lashes, which move with the lid and are not stretched
_LID = 4.2  # height of the skin above the lashes that is stretched over the eye
_EDGE = 1.0


@dataclass(frozen=True)
class Eye:
    """An eye: the lines of its open lids, from corner to corner."""

    upper: PchipInterpolator
    lower: PchipInterpolator

    def compose(self, x: Array, y: Array, closed: float, sample, picture: NDArray) -> NDArray[np.float32]:
        """The picture around the eye.

        Args:
            x, y: float64 [h, w], coordinates in the photograph.
            closed: closing of the lid: 0 as in the photograph, 1 closed.
            sample: (x, y) -> colours float32 [h, w, 3] of the photograph.
            picture: float32 [h, w, 3], the picture with the eye open.
        Returns:
            Colours, float32 [h, w, 3] in 0..255.
        """
        first, last = self.upper.x[0], self.upper.x[-1]
        inside = np.clip(x, first, last)
        open_line = self.upper(inside)
        drop = closed * (self.lower(inside) - 0.2 - open_line) * ((x > first) & (x < last))
        above = y - open_line
        lid_top = -_LASHES - _LID
        stretched = lid_top + (above - lid_top) * _LID / (_LID + drop)
        source = np.where(above < drop - _LASHES, np.where(above < lid_top, above, stretched), above - drop)
        lid = sample(x, open_line + np.minimum(source, -0.3 * (drop > 0)))
        shade = 1.0 - 0.10 * closed * np.clip((stretched - lid_top) / _LID, 0, 1) * (drop > 0.5)
        mask = (np.clip((drop - above) / _EDGE + 0.5, 0.0, 1.0) * np.clip(drop, 0.0, 1.0))[..., None]
        return (mask * lid * shade[..., None] + (1.0 - mask) * picture).astype(np.float32)


EYES = (
    Eye(
        PchipInterpolator(
            [193.0, 195, 198, 201, 204, 207, 210, 213, 215],
            [100.8, 99.9, 98.6, 97.8, 97.8, 98.8, 100.6, 102.2, 103.2],
        ),
        PchipInterpolator(
            [193.0, 195, 198, 201, 204, 207, 210, 213, 215],
            [100.8, 102.2, 103.7, 104.8, 105.1, 105.0, 104.4, 103.8, 103.2],
        ),
    ),
    Eye(
        PchipInterpolator(
            [235.5, 238, 241, 244, 247, 250, 253, 256, 259.0],
            [104.8, 102.8, 100.9, 99.9, 99.4, 99.7, 100.6, 102.1, 104.0],
        ),
        PchipInterpolator(
            [235.5, 238, 241, 244, 247, 250, 253, 256, 259.0],
            [104.8, 105.6, 106.0, 106.7, 107.0, 106.7, 105.8, 104.9, 104.0],
        ),
    ),
)
