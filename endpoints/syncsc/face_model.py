"""A linear 3D face model of this project's own: 16 coefficients per frame, and the points they put into the picture."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import WeightsError
from lossweep.endpoints.syncsc import MODEL
from lossweep.endpoints.syncsc.similarity_transform import rotation_matrix, rotation_vector, similarity
from lossweep.endpoints.weights import load_arrays, save_arrays

COEFFICIENTS = 16
EXPRESSION = slice(0, 6)
EYES = slice(6, 7)
ROTATION = slice(7, 10)
TRANSLATION = slice(10, 13)
CROP = slice(13, 16)
NAMES = (
    *(f"expression {i + 1}" for i in range(6)),
    "eye opening",
    *(f"rotation {axis}" for axis in "xyz"),
    *(f"translation {axis}" for axis in ("x", "y", "log scale")),
    *(f"crop {axis}" for axis in ("x", "y", "log side")),
)
PICTURE = 256.0
SHIPPED = MODEL / "face_model.safetensors"

# Landmark numbers are MediaPipe's (canonical_face_model).
STABLE = (33, 133, 362, 263, 6, 168, 197, 195, 5, 10, 67, 297, 109, 338, 54, 284, 21, 251, 162, 389, 127, 356)
OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
LIDS = (((159, 145), (160, 144), (158, 153)), ((386, 374), (385, 380), (387, 373)))
EYE_CORNERS = ((33, 133), (362, 263))
LIPS_INNER = (13, 14)
MOUTH = (
    *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409),
    *(78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415),
)
EYES_AND_LIDS = (
    *(33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    *(263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
)
IRIS = tuple(range(468, 478))


@dataclass(frozen=True)
class FaceModel:
    """Mean shape, identity, expression and lids; and how a shape stands in the picture.

    A face's points are `side * (R @ shape) + place` in pixels, where
    `shape = mean + identity @ identity_basis + expression @ expression_basis + (opening - mean) * lids`.
    Shapes have the mean distance of the outer eye corners as unit. The 16 coefficients of a frame:

    * expression [6], in standard deviations of the training people;
    * eye opening [1], height of the lids' gap over the eye's width, mean of both eyes;
    * rotation [3], a rotation vector in radians (0 looks into the camera; x right, y down, z away);
    * translation [3] and crop [3]. The paper names them and says no more. Here *crop* is the square box around
      the face's oval as it stands in the picture: its middle (x, y, in picture widths from the middle) and
      the logarithm of its side (in picture widths); *translation* is what is left of the head's own place: where
      its origin stands in that box (x, y, in box sides) and the logarithm of its scale over the box's side. Both
      are read from one picture alone, so a receiver needs no history.

    Source: the SyncSC paper, eq. 2 and 9; built from MediaPipe's landmarks of the training people only.

    Attributes:
        mean: float32 [478, 3].
        identity_basis: float32 [ids, 478, 3], in standard deviations.
        expression_basis: float32 [6, 478, 3].
        lids: float32 [478, 3], a change of 1 in eye opening.
        opening: float32 [1], mean eye opening.
        noise: float32 [478, 1], standard deviation of what the model leaves of a point.
        scale: float32 [16], standard deviations of the coefficients over the training people's frames.
        centre: float32 [16], their means.
    """

    mean: NDArray[np.float32]
    identity_basis: NDArray[np.float32]
    expression_basis: NDArray[np.float32]
    lids: NDArray[np.float32]
    opening: NDArray[np.float32]
    noise: NDArray[np.float32]
    scale: NDArray[np.float32]
    centre: NDArray[np.float32]

    @classmethod
    def load(cls, path: Path = SHIPPED) -> FaceModel:
        """The model that ships.

        Raises:
            WeightsError: the file is missing or broken.
        """
        return _load(Path(path))

    @cached_property
    def mirrored(self) -> NDArray[np.int64]:
        """For each of the 478 points the one on the other side of the face."""
        return mirrored_points(self.mean)

    def save(self, path: Path) -> None:
        """Writes the model as float16 safetensors."""
        save_arrays(path, {f.name: getattr(self, f.name).astype(np.float16) for f in fields(self)})

    def fit(
        self, landmarks: NDArray[np.floating], identity: NDArray[np.floating] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Identity and the 16 coefficients of faces whose points are known.

        Args:
            landmarks: [frames, 478, 3] or [478, 3], pixels of the 256x256 picture.
            identity: [ids] if it is known; else one identity is fitted to all these frames together
                (regularized least squares: identity and expression have unit variance a priori).
        Returns:
            identity float32 [ids]; coefficients float32 [frames, 16] (or [16]).
        """
        points = np.atleast_3d(np.asarray(landmarks, np.float64))
        points = points.reshape(-1, *self.mean.shape)
        if identity is None:
            identity = self._fit_identity(points)
        coefficients = self._fit_frames(points, np.asarray(identity, np.float64))
        shape = (COEFFICIENTS,) if np.ndim(landmarks) == 2 else (len(points), COEFFICIENTS)
        return np.asarray(identity, np.float32), coefficients.astype(np.float32).reshape(shape)

    def landmarks(
        self, identity: NDArray[np.floating], coefficients: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Where the 478 points stand: float32 [478, 3] or [frames, 478, 3], pixels of the 256x256 picture.

        Args:
            identity: [ids].
            coefficients: [16] or [frames, 16].
        """
        c = np.asarray(coefficients, np.float64)
        return self._place(self.shape(identity, c), c).astype(np.float32)

    def shape(self, identity: NDArray, coefficients: NDArray) -> NDArray[np.float64]:
        """The face turned to the camera, [..., 478, 3] in eye distances."""
        c = np.asarray(coefficients, np.float64)
        still = self.mean + np.tensordot(np.asarray(identity, np.float64), self.identity_basis, 1)
        moved = np.tensordot(c[..., EXPRESSION], self.expression_basis, 1)
        lids = (c[..., EYES, None] - self.opening) * self.lids
        return still + moved + lids

    def _place(self, shape: NDArray, c: NDArray) -> NDArray[np.float64]:
        side = np.exp(c[..., CROP.stop - 1]) * PICTURE
        scale = side * np.exp(c[..., TRANSLATION.stop - 1])
        origin = (c[..., CROP][..., :2] + 0.5) * PICTURE + c[..., TRANSLATION][..., :2] * side[..., None]
        turned = shape @ np.swapaxes(rotation_matrix(c[..., ROTATION]), -1, -2)
        points = turned * scale[..., None, None]
        points[..., :2] += origin[..., None, :]
        return points

    def _fit_identity(self, points: NDArray, rounds: int = 3) -> NDArray[np.float64]:
        """Alternates between aligning the frames to the identity and fitting identity and expression to them."""
        identity = np.zeros(len(self.identity_basis))
        weights = 1 / np.repeat(self.noise.astype(np.float64), 3, axis=1).ravel()
        basis = (
            np.concatenate([self.identity_basis, self.expression_basis]).reshape(-1, weights.size) * weights
        )
        # Errors of neighbouring points go together: they count as one point in eight.
        normal = np.linalg.inv(basis @ basis.T / 8 + np.eye(len(basis))) @ basis / 8
        for _ in range(rounds):
            aligned, *_ = self._align(points, identity)
            left = aligned - self.mean - (eye_opening(points)[:, None, None] - self.opening) * self.lids
            # The same identity in all frames and an expression of its own in each: the mean frame's are enough.
            identity = (normal @ (left.mean(0).ravel() * weights))[: len(identity)]
        return identity

    def _align(self, points: NDArray, identity: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
        """Points turned to the camera, in eye distances; and scale, rotation and origin they had."""
        still = self.mean + np.tensordot(identity, self.identity_basis, 1)
        stable = list(STABLE)
        scale, rotation, origin = similarity(still[stable].astype(np.float64), points[:, stable])
        aligned = (points - origin[:, None]) @ rotation / scale[:, None, None]
        return aligned, scale, rotation, origin

    def _fit_frames(self, points: NDArray, identity: NDArray) -> NDArray[np.float64]:
        aligned, scale, rotation, origin = self._align(points, identity)
        c = np.zeros((len(points), COEFFICIENTS))
        c[:, EYES] = eye_opening(points)[:, None]
        left = aligned - self.shape(identity, c)
        weights = 1 / np.repeat(self.noise.astype(np.float64), 3, axis=1).ravel()
        basis = self.expression_basis.reshape(6, -1) * weights
        normal = np.linalg.inv(basis @ basis.T + 8 * np.eye(6)) @ basis
        c[:, EXPRESSION] = (left.reshape(len(points), -1) * weights) @ normal.T
        c[:, ROTATION] = rotation_vector(rotation)
        oval = points[:, list(OVAL), :2]
        low, high = oval.min(1), oval.max(1)
        middle, side = (low + high) / 2, (high - low).max(1)
        c[:, CROP] = np.column_stack([middle / PICTURE - 0.5, np.log(side / PICTURE)])
        c[:, TRANSLATION] = np.column_stack([(origin[:, :2] - middle) / side[:, None], np.log(scale / side)])
        return c


def eye_opening(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Height of the lids' gap over the eye's width, mean of both eyes and of three places; in space.

    Args:
        points: [..., 478, 3], any unit.
    """

    def distance(a: int, b: int) -> NDArray:
        return np.linalg.norm(points[..., a, :] - points[..., b, :], axis=-1)

    eyes = [
        np.mean([distance(*pair) for pair in pairs], axis=0) / distance(*corners)
        for pairs, corners in zip(LIDS, EYE_CORNERS, strict=True)
    ]
    return np.mean(eyes, axis=0)


def mouth_opening(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Distance of the inner lips in eye distances; points [..., 478, 3]."""
    upper, lower = LIPS_INNER
    return np.linalg.norm(points[..., upper, :2] - points[..., lower, :2], axis=-1) / eye_distance(points)


def eye_distance(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Distance of the two eyes' middles in space, in the unit of the points [..., 478, 3]."""
    left, right = (points[..., list(corners), :].mean(-2) for corners in EYE_CORNERS)
    return np.linalg.norm(left - right, axis=-1)


@lru_cache(maxsize=4)
def _load(path: Path) -> FaceModel:
    try:
        return FaceModel(**load_arrays(path, "face-model"))
    except TypeError as error:
        raise WeightsError(f"face-model: {path} is broken ({error}); reinstall it") from None


def mirrored_points(mean: NDArray) -> NDArray[np.int64]:
    """For each of the 478 points the one on the other side of the face: a pairing of the mean shape."""
    from scipy.optimize import linear_sum_assignment

    flipped = mean * [-1, 1, 1]
    distance = np.linalg.norm(flipped[:, None] - mean[None], axis=-1)
    return linear_sum_assignment(distance**2)[1]
