"""Sequences of face coefficients that packet codes are trained on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.syncsc.face_model import FaceModel
from lossweep.endpoints.syncsc.semantics import Scaling, smooth
from lossweep.experiments.training.face.prepare import Labelled, load
from lossweep.experiments.training.trainer import TrainConfig


def sequences(labels: Labelled, model: FaceModel, held_out: bool) -> list[NDArray[np.float32]]:
    """The coefficients of the labelled clips as they are sent: float32 [frames, 16] each, in standard deviations.

    The person's identity is that of the clip's first frame, as in use. Training clips come mirrored as well.
    """
    scaling, opposite = Scaling.of(model), model.mirrored
    out = []
    for clip in labels.clips:
        if clip.held_out != held_out:
            continue
        points = labels.points(clip.rows)
        mirror = points[:, opposite] * np.float32([-1, 1, 1]) + np.float32([256, 0, 0])
        for p in (points,) if held_out else (points, mirror):
            identity, _ = model.fit(p[0])
            out.append(scaling.standardize(smooth(model.fit(p, identity)[1], model.scale)))
    return out


def training_sequences(config: TrainConfig) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
    """Sequences of the training people and of those held out, for a training's arguments."""
    labels, model = load(config.labels), FaceModel.load()
    return sequences(labels, model, False), sequences(labels, model, True)
