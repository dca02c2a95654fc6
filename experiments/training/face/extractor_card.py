"""What the trained extractor is worth on people held out, and the card that says so."""

from __future__ import annotations

import time

import numpy as np

from lossweep.endpoints.syncsc.extractor import SHIPPED, ExtractorTracker, load_network
from lossweep.endpoints.syncsc.extractor_network import ExtractorNetwork
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


def finish(config: TrainConfig, network: ExtractorNetwork, trained: Trained, labels: Labelled) -> None:
    """Writes float16 weights and the card into `config.out`."""
    path = config.out / SHIPPED.name
    save(path, network.state_dict())
    load_network.cache_clear()
    shipped = load_network(path)
    found, speed = errors(ExtractorTracker(shipped), config, labels)
    mean = np.mean(list(found.values()), 0).tolist()
    people = {c.identity for c in labels.clips if not c.held_out}
    ModelCard(
        title="Extractor",
        files=[path.name],
        summary=[
            "Reads 478 points of a face from a picture; two networks of the same layers, "
            f"{sum(p.numel() for p in shipped.parameters()):,} parameters together, "
            f"{path.stat().st_size / 1e6:.1f} MB as float16.",
            "Both are MediaPipe's face landmark network (`face_landmarker.task`, Apache-2.0), layers and weights "
            "carried over to PyTorch by `face_mesh_weights.py`. The reader, which follows a face, is unchanged. The "
            "finder, which looks for a face in windows of a picture, was trained further on the talking-face clips.",
            f"{speed:.0f} frames per second of CPU time, {config.threads} threads, the machine shared.",
        ],
        data=[
            f"The finder: {len(people)} people and their mirror images; frames weighed by how far the face is turned "
            "away and by how sharp it is (`prepare.weight`); held-out people as in `split.everyone`."
        ],
        command="python -m lossweep.experiments.training.face.train extractor --data DIR",
        training=training_of(config, trained),
        tables=[
            Table(
                f"On {len(found)} held-out people, against MediaPipe's landmarker (mean over a person's clips):",
                ["person", *COLUMNS.values()],
                [*([name, *row] for name, row in sorted(found.items())), ["mean", *mean]],
            )
        ],
        limits=[
            "The labels are MediaPipe's too. The figures say how well the extractor gives what MediaPipe's landmarker "
            "gives (which smooths over time; the extractor does not), not how well either follows the face.",
            "Trained further for tracking as well, with blur, noise and light varied, the network came out worse.",
        ],
    ).write(config.out, "extractor")


def errors(tracker: Tracker, config: TrainConfig, labels: Labelled) -> tuple[dict[str, list[float]], float]:
    """By person held out: the means of `COLUMNS` over their clips; and frames per second of CPU time."""
    from lossweep.endpoints.syncsc.face_model import FaceModel

    model, rows, count, seconds = FaceModel.load(), {}, 0, 0.0
    for clip in labels.clips:
        if not clip.held_out or clip.validates:
            continue
        pictures = list(frames(clips_folder(config.data) / clip.file))
        start = time.process_time()
        identity, found = tracker.track(pictures)
        seconds, count = seconds + time.process_time() - start, count + len(pictures)
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
