"""Augmentation of lower faces and speech: light, crop, noise, and coding."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

from lossweep.endpoints.clip import SPEECH_RATE
from lossweep.experiments.metrics.lip_sync.lrasd import SIDE

WIDER_SIDE = 128
FACE_VERSIONS, SPEECH_VERSIONS = 4, 5
"""Versions of each clip. The first of both is unaltered, the second of faces is its mirror image."""


def augment_faces(wider: Tensor, version: int, rng: np.random.Generator) -> Tensor:
    """Lower faces [frames, 112, 112] in 0..255 of somewhat wider ones [frames, 128, 128].

    From the third version on: crop shifted, rotated and scaled, light and contrast changed; sometimes mirrored, blurred
    or with noise. Equal for all frames of a clip.
    """
    if version < 2:
        edge = (WIDER_SIDE - SIDE) // 2
        plain = wider[:, edge:-edge, edge:-edge]
        return plain.flip(-1) if version else plain
    size, turn = SIDE / WIDER_SIDE * rng.uniform(0.9, 1.08), rng.uniform(-0.08, 0.08)
    cos, sin = size * math.cos(turn), size * math.sin(turn)
    mirror = rng.choice((-1, 1))
    x, y = rng.uniform(-0.08, 0.08, 2)
    theta = torch.tensor([[cos * mirror, -sin, x], [sin * mirror, cos, y]], dtype=torch.float32)
    grid = affine_grid(theta.expand(len(wider), 2, 3), [len(wider), 1, SIDE, SIDE], align_corners=False)
    pictures = grid_sample(wider[:, None], grid, padding_mode="border", align_corners=False)
    pictures = (pictures - 128) * rng.uniform(0.7, 1.3) + 128 + rng.uniform(-35, 35)
    if rng.random() < 0.4:
        small = interpolate(pictures, scale_factor=rng.uniform(0.4, 0.8), mode="bilinear")
        pictures = interpolate(small, size=SIDE, mode="bilinear")
    if rng.random() < 0.3:
        noise = torch.from_numpy(rng.normal(0, rng.uniform(2, 10), pictures.shape)).float()
        pictures = pictures + noise
    return pictures[:, 0].clamp(0, 255)


def augment_speech(
    speech: NDArray[np.float32], version: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Speech; from the second version on with random gain, and sometimes band-pass, noise and quantization."""
    if version == 0:
        return speech
    speech = speech * 10 ** rng.uniform(-0.6, 0.3)
    if rng.random() < 0.6:
        band = rng.uniform(40, 300), rng.uniform(3000, 7500)
        speech = sosfilt(butter(4, band, "bandpass", fs=SPEECH_RATE, output="sos"), speech)
    if rng.random() < 0.7:
        level = np.sqrt(np.mean(np.square(speech))) * 10 ** (-rng.uniform(10, 35) / 20)
        speech = speech + level * rng.standard_normal(len(speech))
    if rng.random() < 0.3:
        steps = 2 ** rng.integers(6, 9)
        speech = np.round(speech * steps) / steps
    return np.clip(speech, -1, 1).astype(np.float32)
