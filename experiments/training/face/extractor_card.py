"""What the trained extractor is worth on people held out, and the card that says so."""

from __future__ import annotations

import time

import numpy as np

from lossweep.endpoints.syncsc.extractor import SHIPPED, ExtractorTracker, load_network
from lossweep.endpoints.syncsc.face_model import MOUTH, ROTATION, eye_opening, mouth_opening
from lossweep.endpoints.syncsc.similarity_transform import rotation_matrix
from lossweep.endpoints.syncsc.tracker import Tracker
from lossweep.endpoints.weights import save
from lossweep.experiments.training.face.face_model import landmark_error
from lossweep.experiments.training.face.prepare import Labelled, frames
from lossweep.experiments.training.face.split import clips_folder
from lossweep.experiments.training.model_card import ModelCard, Table, training_of
from lossweep.experiments.training.trainer import TrainConfig, Trained

COLUMNS = {
    "landmarks": "landmarks, % of eye distance",
    "lips": "lips, % of eye distance",
    "mouth": "correlation of mouth opening",
    "eyes": "correlation of eye opening",
    "rotation": "rotation, degrees",
}


def finish(config: TrainConfig, trained: Trained, labels: Labelled) -> None:
    """Writes float16 weights and the card into `config.out`."""
    path = config.out / SHIPPED.name
    save(path, trained.average)
    load_network.cache_clear()
    network = load_network(path)
    found, speed = errors(ExtractorTracker(network), config, labels)
    mean = np.mean(list(found.values()), 0).tolist()
    people = {c.identity for c in labels.clips if not c.held_out}
    ModelCard(
        title="Extractor",
        files=[path.name],
        summary=[
            "Reads the face model's 16 coefficients from a picture; "
            f"{sum(p.numel() for p in network.parameters()):,} parameters, {path.stat().st_size / 1e6:.1f} MB as "
            "float16. SqueezeNet 1.1's features (torchvision's ImageNet weights at the start) and one hidden layer.",
            f"{speed:.0f} frames per second with {config.threads} threads, the machine shared.",
        ],
        data=[
            f"{len(people)} people and their mirror images (every second frame of their clips), labelled by "
            "MediaPipe's face landmarker; colour, blur, noise, scale, shift and turn varied."
        ],
        command="python -m lossweep.experiments.training.face.train extractor --data DIR",
        training=training_of(config, trained),
        tables=[
            Table(
                f"On {len(found)} held-out people, against the landmarker (mean over a person's clips):",
                ["person", *COLUMNS.values()],
                [*([name, *row] for name, row in sorted(found.items())), ["mean", *mean]],
            )
        ],
    ).write(config.out, "extractor")


def errors(tracker: Tracker, config: TrainConfig, labels: Labelled) -> tuple[dict[str, list[float]], float]:
    """By person held out: the means of `COLUMNS` over their clips; and frames a second."""
    from lossweep.endpoints.syncsc.face_model import FaceModel

    model, rows, count, seconds = FaceModel.load(), {}, 0, 0.0
    for clip in labels.clips:
        if not clip.held_out:
            continue
        pictures = list(frames(clips_folder(config.data) / clip.file))
        start = time.perf_counter()
        identity, found = tracker.track(pictures)
        seconds, count = seconds + time.perf_counter() - start, count + len(pictures)
        points = labels.points(clip.rows)
        rebuilt = model.landmarks(identity, found)
        _, true = model.fit(points, model.fit(points[0])[0])
        rows.setdefault(clip.identity, []).append(
            [
                landmark_error(rebuilt, points),
                landmark_error(rebuilt[:, list(MOUTH)], points[:, list(MOUTH)], points),
                np.corrcoef(mouth_opening(rebuilt), mouth_opening(points))[0, 1],
                np.corrcoef(eye_opening(rebuilt), eye_opening(points))[0, 1],
                angle(found[:, ROTATION], true[:, ROTATION]),
            ]
        )
    return {name: np.mean(values, 0).tolist() for name, values in rows.items()}, count / seconds


def angle(a: np.ndarray, b: np.ndarray) -> float:
    """Mean angle in degrees between two sequences of rotation vectors [frames, 3]."""
    between = np.swapaxes(rotation_matrix(np.float64(a)), -1, -2) @ rotation_matrix(np.float64(b))
    cos = (np.trace(between, axis1=-2, axis2=-1) - 1) / 2
    return float(np.degrees(np.arccos(np.clip(cos, -1, 1))).mean())
