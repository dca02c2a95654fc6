"""Builds the face model from the labels of the training people."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.syncsc.face_model import (
    EYE_CORNERS,
    EYES_AND_LIDS,
    IRIS,
    MOUTH,
    STABLE,
    FaceModel,
    eye_distance,
    eye_opening,
    mirrored_points,
    mouth_opening,
)
from lossweep.endpoints.syncsc.similarity_transform import similarity
from lossweep.experiments.training.face.prepare import Labelled, load
from lossweep.experiments.training.model_card import ModelCard, Table
from lossweep.experiments.training.trainer import TrainConfig

IDENTITIES = 80
FRAMES_PER_PERSON = 400


def build(labels: Labelled) -> FaceModel:
    """The model of the training people's labels (each person and their mirror image; people count alike).

    Points of mouth and lids count twice, irises and depth half: gaze and the landmarker's guess of depth should
    not take one of the six expressions.
    """
    people = _points_by_person(labels)
    mean = _first_mean(people)
    aligned = {}
    for _ in range(3):
        aligned = {name: _aligned(points, mean) for name, points in people.items()}
        still = np.array([np.median(shapes, 0) for shapes in aligned.values()])
        mean = still.mean(0)
        unit = np.linalg.norm(mean[EYE_CORNERS[0][0]] - mean[EYE_CORNERS[1][1]])
        mean = _symmetric((mean - mean[list(STABLE)].mean(0)) / unit)
    opposite = mirrored_points(mean)
    weights = _weights()

    moves, openings, faces = [], [], []
    for name, shapes in aligned.items():
        moves.append(shapes - np.median(shapes, 0))
        opening = eye_opening(people[name])
        openings.append(opening - np.median(opening))
        faces.append(np.median(shapes, 0) - mean)
    faces = np.array(faces)
    faces = np.concatenate([faces, _mirror(faces, opposite)])
    identity = _components(faces, weights, IDENTITIES)

    move, opening = np.concatenate(moves), np.concatenate(openings)
    lids = np.tensordot(opening, move, 1) / (opening**2).sum()
    lids = (lids + _mirror(lids[None], opposite)[0]) / 2
    # Only what lies around the eyes moves with the lids; the rest of that correlation is expression.
    near = np.zeros(len(mean))
    near[list(EYES_AND_LIDS)] = 1
    lids = lids * np.maximum(near, np.exp(-((_distance_to(mean, EYES_AND_LIDS) / 0.08) ** 2)))[:, None]
    left = move - opening[:, None, None] * lids
    expression = _components(np.concatenate([left, _mirror(left, opposite)]), weights, 6)

    noise = np.sqrt(((left - _explained(left, expression, weights)) ** 2).mean((0, 2)))[:, None]
    person_opening = np.mean([np.median(eye_opening(points)) for points in people.values()])
    ones = np.ones(16)
    model = FaceModel(
        mean, identity, expression, lids, np.array([person_opening]), noise + 0.005, ones, 0 * ones
    )
    coefficients = np.concatenate([model.fit(points)[1] for points in people.values()])
    return replace(model, scale=coefficients.std(0), centre=coefficients.mean(0))


def errors(model: FaceModel, labels: Labelled, held_out: bool) -> dict[str, float]:
    """How well points rebuilt from 16 numbers meet the landmarker's, identity from a clip's first frame.

    Returns:
        landmarks and lips: mean distance in the picture, % of the eye distance; still: the same with no
        expression sent; mouth, eyes: correlation of opening, mean over clips.
    """
    rows: dict[str, list[float]] = {name: [] for name in ("landmarks", "lips", "still", "mouth", "eyes")}
    for clip in labels.clips:
        if clip.held_out != held_out:
            continue
        points = labels.points(clip.rows)
        identity, _ = model.fit(points[0])
        _, coefficients = model.fit(points, identity)
        rebuilt = model.landmarks(identity, coefficients)
        rows["landmarks"].append(landmark_error(rebuilt, points))
        rows["lips"].append(landmark_error(rebuilt[:, list(MOUTH)], points[:, list(MOUTH)], points))
        coefficients[:, :7] = coefficients[0, :7]
        rows["still"].append(landmark_error(model.landmarks(identity, coefficients), points))
        rows["mouth"].append(np.corrcoef(mouth_opening(rebuilt), mouth_opening(points))[0, 1])
        rows["eyes"].append(np.corrcoef(eye_opening(rebuilt), eye_opening(points))[0, 1])
    return {name: float(np.mean(values)) for name, values in rows.items()}


def landmark_error(rebuilt: NDArray, points: NDArray, faces: NDArray | None = None) -> float:
    """Mean distance in the picture, in % of the eye distance of `faces` (or of `points`)."""
    distance = np.linalg.norm(rebuilt[..., :2] - points[..., :2], axis=-1).mean(-1)
    return float((100 * distance / eye_distance(points if faces is None else faces)).mean())


def write_card(folder: Path, model: FaceModel, labels: Labelled) -> None:
    """Writes the card beside the weights."""
    training = [clip for clip in labels.clips if not clip.held_out]
    rows = []
    for name, held_out in (("training people", False), ("held out", True)):
        e = errors(model, labels, held_out)
        rows.append([name, e["landmarks"], e["lips"], e["still"], e["mouth"], e["eyes"]])
    ModelCard(
        title="Face model",
        files=["face_model.safetensors"],
        summary=[
            "Linear 3D face model: mean shape, 80 identity and 6 expression components, lids; 478 points."
        ],
        data=[
            "The labels that MediaPipe's face landmarker (Apache-2.0) gives on the talking-face clips: "
            f"{len({clip.identity for clip in training})} training people and their mirror images, "
            f"{sum(clip.frames for clip in training)} frames."
        ],
        command="python -m lossweep.experiments.training.face.train face-model --data DIR",
        tables=[
            Table(
                "Points rebuilt from identity (of the first frame) and 16 coefficients per frame, against the "
                "landmarker's; distances in % of the eye distance:",
                ["", "landmarks", "lips", "no expression sent", "mouth correlation", "eye correlation"],
                rows,
            )
        ],
    ).write(folder, "face_model")


def _points_by_person(labels: Labelled) -> dict[str, NDArray[np.float64]]:
    points: dict[str, list[NDArray]] = {}
    for clip in labels.clips:
        if not clip.held_out:
            points.setdefault(clip.identity, []).append(labels.points(clip.rows))
    every = {name: np.concatenate(parts).astype(np.float64) for name, parts in points.items()}
    return {name: p[np.linspace(0, len(p) - 1, FRAMES_PER_PERSON).astype(int)] for name, p in every.items()}


def _first_mean(people: dict[str, NDArray]) -> NDArray:
    first = next(iter(people.values()))[0]
    return (first - first[list(STABLE)].mean(0)) / np.linalg.norm(first[33] - first[263])


def _aligned(points: NDArray, mean: NDArray) -> NDArray:
    """Turned to the camera, each frame on the person's own median (found in two rounds)."""
    still = mean
    for _ in range(2):
        scale, rotation, origin = similarity(still[list(STABLE)], points[:, list(STABLE)])
        shapes = (points - origin[:, None]) @ rotation / scale[:, None, None]
        still = np.median(shapes, 0)
    # The person's own median, brought onto the mean once more: all people turned and sized alike.
    scale, rotation, origin = similarity(mean[list(STABLE)], still[None, list(STABLE)])
    return (shapes - origin) @ rotation[0] / scale


def _symmetric(mean: NDArray) -> NDArray:
    """The mean with its mirror image."""
    mean = mean - mean[list(STABLE)].mean(0) * [1, 0, 0]
    return (mean + _mirror(mean[None], mirrored_points(mean))[0]) / 2


def _mirror(shapes: NDArray, opposite: NDArray) -> NDArray:
    return shapes[:, opposite] * [-1, 1, 1]


def _weights() -> NDArray[np.float64]:
    weights = np.ones((478, 3))
    weights[list(MOUTH)] = weights[list(EYES_AND_LIDS)] = 2
    weights[list(IRIS)] = 0.5
    return weights * [1, 1, 0.5]


def _components(rows: NDArray, weights: NDArray, count: int) -> NDArray:
    """Principal components of weighted rows [n, 478, 3], unweighted again, times their standard deviation."""
    flat = (rows * weights).reshape(len(rows), -1)
    _, singular, vt = np.linalg.svd(flat[:: max(1, len(flat) // 4000)], full_matrices=False)
    used = len(flat[:: max(1, len(flat) // 4000)])
    basis = vt[:count] * (singular[:count] / np.sqrt(used))[:, None]
    return basis.reshape(-1, 478, 3) / weights


def _explained(rows: NDArray, basis: NDArray, weights: NDArray) -> NDArray:
    flat = (basis * weights).reshape(len(basis), -1)
    numbers = (rows * weights).reshape(len(rows), -1) @ np.linalg.pinv(flat)
    return np.tensordot(numbers, basis, 1)


def _distance_to(mean: NDArray, points: tuple[int, ...]) -> NDArray:
    return np.linalg.norm(mean[:, None] - mean[None, list(points)], axis=-1).min(1)


def train(config: TrainConfig) -> None:
    """Builds the model from `config.labels` into `config.out`; a minute, nothing to resume."""
    labels = load(config.labels)
    model = build(labels)
    model.save(config.out / "face_model.safetensors")
    write_card(config.out, FaceModel.load(config.out / "face_model.safetensors"), labels)
