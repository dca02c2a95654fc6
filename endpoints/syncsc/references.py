"""Which pictures of a clip both ends share beforehand, and from which of them a frame is drawn.

The pictures are chosen farthest first; a frame is drawn from the nearest one, blended with those almost as near.

The distance of two pictures of one face is `sqrt(turn^2 + (2 shift)^2 + (mouth / 2)^2 + (eyes / 4)^2)`:

* turn: of the direction in which the face looks, in radians (the chord of the angle);
* shift: of the face's middle, in picture widths;
* mouth: of the distance of the inner lips, in eye distances;
* eyes: of the eye opening, as in `FaceModel`.

The weights are near those that LPIPS of the generator's whole picture and of its mouth gives:
`results/references/distance.py`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.syncsc.face_model import CROP, EYES, ROTATION, FaceModel, mouth_opening
from lossweep.endpoints.syncsc.similarity_transform import rotation_matrix

SHIFT, MOUTH, EYE = 2.0, 0.5, 0.25
"""Weights of the distance, in radians of turn per unit."""
BLEND = 0.05
"""Distance beyond the nearest reference from which on another one has no share in the picture."""
FAR = 20.0
"""Degrees of turn from the nearest reference from which on LPIPS of the generator is above 0.15 on average."""
ENROLLED = 3
"""References that are proposed where one is not enough."""


def choose(looks: NDArray[np.floating], count: int) -> list[int]:
    """Numbers of the pictures to share: the first one, then each time the one farthest from all that are chosen.

    Fewer than `count` where no picture differs from those that are chosen. Of equal distances the earliest wins.

    Args:
        looks: [frames, numbers], as `looks` gives them.
        count: 1 or more.
    Source: T. F. Gonzalez, Clustering to minimize the maximum intercluster distance, Theor. Comput. Sci. 38, 1985.
    """
    chosen = [0]
    away = np.linalg.norm(looks - looks[0], axis=1)
    while len(chosen) < count and away.max() > 0:
        chosen.append(int(away.argmax()))
        away = np.minimum(away, np.linalg.norm(looks - looks[chosen[-1]], axis=1))
    return chosen


def shares(
    identity: NDArray[np.floating], references: NDArray[np.floating], coefficients: NDArray[np.floating]
) -> NDArray[np.float64]:
    """How much of each frame's picture is drawn from each reference, [frames, references]; a row sums to 1.

    The nearest reference has most; others up to BLEND farther away have less, by `1 - (distance - least) / BLEND`. So
    pictures do not jump where another reference becomes the nearest, and each depends on its own numbers alone.

    Args:
        identity: [80].
        references, coefficients: [references, 16] and [frames, 16], of `FaceModel`; other numbers where there is one
            reference.
    """
    if len(references) == 1:
        return np.ones((len(coefficients), 1))
    known, wanted = looks(identity, references), looks(identity, coefficients)
    away = np.linalg.norm(wanted[:, None] - known[None], axis=-1)
    parts = np.maximum(0, 1 - (away - away.min(1, keepdims=True)) / BLEND)
    return parts / parts.sum(1, keepdims=True)


def looks(identity: NDArray[np.floating], coefficients: NDArray[np.floating]) -> NDArray[np.float64]:
    """How a face looks in each picture, [frames, 7]: the distance of two pictures is the Euclidean one of these.

    Args:
        identity: [80].
        coefficients: [frames, 16], of `FaceModel`.
    """
    c = np.asarray(coefficients, np.float64)
    opening = mouth_opening(FaceModel.load().landmarks(identity, c))
    return np.column_stack(
        [facing(c), SHIFT * c[:, CROP][:, :2], MOUTH * opening, EYE * c[:, EYES]],
    )


def turns(coefficients: NDArray[np.floating], reference: NDArray[np.floating]) -> NDArray[np.float64]:
    """By how many degrees the head is turned from the one of a reference, [frames]; a tilt to the shoulder is no turn.

    Args:
        coefficients: [frames, 16] of `FaceModel`; reference: [frames, 16] or [16].
    """
    cosine = (facing(coefficients) * facing(reference)).sum(-1)
    return np.degrees(np.arccos(cosine.clip(-1, 1)))


def facing(coefficients: NDArray[np.floating]) -> NDArray[np.float64]:
    """The direction away from the face's back, unit vectors [..., 3]; (0, 0, 1) looks into the camera."""
    return rotation_matrix(np.asarray(coefficients, np.float64)[..., ROTATION])[..., 2]


def turned_away(turn: float, references: int) -> str | None:
    """A note on a clip whose head turns too far from its references, with what to do; None where it does not.

    Args:
        turn: largest one, in degrees.
        references: the option.
    """
    if turn < FAR:
        return None
    enrol = f"set the endpoint's references: {ENROLLED} or " if references < ENROLLED else ""
    return (
        f"the head turns {turn:.0f} degrees away from the nearest reference picture; from {FAR:.0f} on it is drawn "
        f"poorly: {enrol}start the clip where the face looks ahead"
    )
