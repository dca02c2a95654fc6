"""Augmentation of pictures for the extractor's training, and windows without a face."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from lossweep.endpoints.syncsc.extractor_network import Window, around
from lossweep.endpoints.syncsc.face_mesh import SIDE


def augment(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Changes colour, contrast, light direction, blur, noise and a covered patch, independently per picture.

    Args:
        pictures: [n, 3, side, side] in [0, 1].
        rng: all chance comes from here.
    Returns:
        The same shape, in [0, 1].
    """
    count = len(pictures)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.from_numpy(rng.uniform(low, high, (count, *shape)).astype(np.float32))

    out = _blurred(pictures, rng)
    grey = out.mean(1, keepdim=True)
    out = grey + (out - grey) * uniform(0, 1.6, 1, 1, 1)
    middle = out.mean((1, 2, 3), keepdim=True)
    out = middle + (out - middle) * uniform(0.55, 1.4, 1, 1, 1) + uniform(-0.2, 0.2, 1, 1, 1)
    out = out * uniform(0.8, 1.25, 3, 1, 1)
    across = torch.linspace(-1, 1, out.shape[-1])
    light = uniform(-0.3, 0.3, 1, 1, 1) * across + uniform(-0.2, 0.2, 1, 1, 1) * across[:, None]
    out = (out * (1 + light)).clamp(1e-3, 1) ** uniform(0.7, 1.4, 1, 1, 1)
    noise = torch.from_numpy(rng.standard_normal(out.shape, dtype=np.float32))
    out = out + noise * uniform(0, 0.03, 1, 1, 1)
    for i in np.flatnonzero(rng.random(count) < 0.2):
        height, width = rng.integers(SIDE // 11, SIDE // 3, 2)
        top, left = rng.integers(0, SIDE - SIDE // 11, 2)
        out[i, :, top : top + height, left : left + width] = float(rng.random())
    return out.clamp(0, 1)


def _blurred(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Half of the batch is unchanged; a quarter each is reduced to one of two lower resolutions."""
    out = pictures.clone()
    order = rng.permutation(len(pictures))
    quarter = len(order) // 4
    for rows in (order[:quarter], order[quarter : 2 * quarter]):
        if len(rows):
            size = int(rng.integers(40, 160))
            small = functional.interpolate(pictures[rows], size=(size, size), mode="area")
            out[rows] = functional.interpolate(small, size=pictures.shape[-2:], mode="bilinear")
    return out


def windows_without_face(pictures: Tensor, points: Tensor, count: int, rng: np.random.Generator) -> Tensor:
    """Windows [count, 3, side, side] without a complete face: background, parts, shuffled faces, noise."""
    kinds = (_background, _part, _shuffled, _covered, _noise)
    box = around(points, 1.0)
    out = []
    for i in range(count):
        kind = kinds[rng.integers(len(kinds))]
        face = Window(box.middle[i : i + 1], box.half[i : i + 1], box.turn[i : i + 1])
        out.append(kind(pictures[i : i + 1], face, rng))
    return torch.cat(out)


def _background(picture: Tensor, face: Window, rng: np.random.Generator) -> Tensor:
    """A part of the picture with little overlap with the face's box."""
    side = 0.5 * float(rng.uniform(24, 110))
    for _ in range(20):
        middle = torch.from_numpy(rng.uniform(side, 256 - side, (1, 2)).astype(np.float32))
        if bool(((middle - face.middle).abs() > 0.8 * face.half + side).any()):
            return Window(middle, torch.tensor([side]), torch.zeros(1)).look(picture)
    return _noise(picture, face, rng)


def _part(picture: Tensor, face: Window, rng: np.random.Generator) -> Tensor:
    """Less than half of the face: enlarged, or cut by the window's edge."""
    half = face.half * float(rng.uniform(0.15, 0.45))
    if rng.random() < 0.5:
        shift = torch.from_numpy(rng.uniform(-0.6, 0.6, (1, 2)).astype(np.float32)) * face.half
        return Window(face.middle + shift, half, face.turn).look(picture)
    angle = float(rng.uniform(0, 2 * np.pi))
    away = torch.tensor([[np.cos(angle), np.sin(angle)]], dtype=torch.float32)
    half = face.half * float(rng.uniform(0.6, 1.4))
    return Window(face.middle + away * (half + 0.35 * face.half), half, face.turn).look(picture)


def _shuffled(picture: Tensor, face: Window, rng: np.random.Generator) -> Tensor:
    """The face cut into squares in random order."""
    seen = Window(face.middle, 1.2 * face.half, face.turn).look(picture)
    n = int(rng.integers(3, 6))
    size = SIDE // n * n
    tiles = seen[:, :, :size, :size].reshape(3, n, size // n, n, size // n).permute(1, 3, 0, 2, 4)
    tiles = tiles.reshape(n * n, 3, size // n, size // n)[rng.permutation(n * n)]
    mixed = tiles.reshape(n, n, 3, size // n, size // n).permute(2, 0, 3, 1, 4).reshape(1, 3, size, size)
    return functional.interpolate(mixed, size=(SIDE, SIDE))


def _covered(picture: Tensor, face: Window, rng: np.random.Generator) -> Tensor:
    """The picture with the face painted over."""
    picture = picture.clone()
    (x, y), half = face.middle[0].tolist(), float(face.half[0])
    left, right, top, bottom = (
        int(np.clip(v, 0, 256)) for v in (x - half, x + half, y - 1.1 * half, y + 1.1 * half)
    )
    colour = torch.from_numpy(rng.random((1, 3, 1, 1)).astype(np.float32))
    picture[:, :, top:bottom, left:right] = colour
    return Window(face.middle, face.half * float(rng.uniform(1.2, 2.2)), face.turn).look(picture)


def _noise(picture: Tensor, face: Window, rng: np.random.Generator) -> Tensor:
    """Colour noise of random grain size, or one colour."""
    grain = int(rng.choice([1, 2, 4, 8, 16, 64, SIDE]))
    noise = torch.from_numpy(rng.random((1, 3, grain, grain)).astype(np.float32))
    return functional.interpolate(
        noise, size=(SIDE, SIDE), mode="bilinear" if rng.random() < 0.7 else "nearest"
    )
