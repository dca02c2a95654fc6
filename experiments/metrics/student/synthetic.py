"""Distortions that need no codec."""

from __future__ import annotations

import io

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates, zoom

Pixels = NDArray[np.uint8]


def _clipped(values: NDArray) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def grey(picture: Pixels, rng: Generator) -> Pixels:
    """A plain picture, mostly mid-grey, as before the first frame."""
    level = 128 if rng.random() < 0.7 else rng.integers(256)
    return np.full_like(picture, level)


def blur(picture: Pixels, rng: Generator) -> Pixels:
    """Gaussian blur, sigma 0.4 to 8 pixels."""
    sigma = np.exp(rng.uniform(np.log(0.4), np.log(8)))
    return _clipped(gaussian_filter(picture.astype(np.float32), (sigma, sigma, 0)))


def blocks(picture: Pixels, rng: Generator) -> Pixels:
    """Mosaic of squares of 4 to 32 pixels, on the whole picture or on a part, or JPEG at low quality."""
    if rng.random() < 0.5:
        return _jpeg(picture, rng)
    side = int(rng.choice([4, 8, 16, 32]))
    height, width = picture.shape[:2]
    squares = picture[: height // side * side, : width // side * side]
    squares = squares.reshape(height // side, side, width // side, side, 3).mean(axis=(1, 3))
    chosen = rng.random(squares.shape[:2]) < (1 if rng.random() < 0.5 else rng.uniform(0.05, 0.8))
    mask = np.kron(chosen, np.ones((side, side)))[..., None]
    return _clipped(picture + mask * (np.kron(squares, np.ones((side, side, 1))) - picture))


def _jpeg(picture: Pixels, rng: Generator) -> Pixels:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=int(rng.integers(3, 60)))
    return np.asarray(Image.open(file).convert("RGB"))


def rescale(picture: Pixels, rng: Generator) -> Pixels:
    """Scaled down to 1/2 ... 1/12 and up again."""
    height, width = picture.shape[:2]
    factor = np.exp(rng.uniform(np.log(1.3), np.log(12)))
    small = Image.fromarray(picture).resize((int(width / factor), int(height / factor)), Image.Resampling.BOX)
    way = rng.choice([Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.NEAREST])
    return np.asarray(small.resize((width, height), Image.Resampling(int(way))))


def colour(picture: Pixels, rng: Generator) -> Pixels:
    """Gain and offset, of all channels alike or of each by itself; sometimes towards grey."""
    channels = 1 if rng.random() < 0.5 else 3
    gain, offset = rng.uniform(0.6, 1.4, channels), rng.uniform(-40, 40, channels)
    changed = (picture - 128.0) * gain + 128 + offset
    if rng.random() < 0.3:
        changed += rng.uniform(0, 1) * (changed.mean(axis=2, keepdims=True) - changed)
    return _clipped(changed)


def noise(picture: Pixels, rng: Generator) -> Pixels:
    """Gaussian noise, sigma 1 to 50, white or coarse."""
    sigma = np.exp(rng.uniform(0, np.log(50)))
    side = int(rng.choice([1, 1, 2, 4, 8]))
    height, width = picture.shape[:2]
    coarse = rng.normal(0, sigma, (height // side, width // side, int(rng.choice([1, 3]))))
    return _clipped(picture + np.kron(coarse, np.ones((side, side, 1))))


def warp(picture: Pixels, rng: Generator) -> Pixels:
    """A shift, turn and scale, or a smooth random displacement of up to some 12 pixels."""
    height, width = picture.shape[:2]
    if rng.random() < 0.5:
        angle, scale = rng.uniform(-0.15, 0.15), rng.uniform(0.88, 1.12)
        cos, sin = scale * np.cos(angle), scale * np.sin(angle)
        x, y = rng.uniform(-12, 12, 2) + np.array([width / 2, height / 2])
        affine = (cos, sin, x - cos * width / 2 - sin * height / 2)
        affine += (-sin, cos, y + sin * width / 2 - cos * height / 2)
        edge = Image.Resampling.BILINEAR
        return np.asarray(
            Image.fromarray(picture).transform((width, height), Image.Transform.AFFINE, affine, edge)
        )
    knots = int(rng.choice([3, 5, 8, 16]))
    field = rng.normal(0, rng.uniform(0.5, 6), (2, knots, knots))
    rows, columns = (zoom(f, (height / knots, width / knots), order=1) for f in field)
    at = np.mgrid[:height, :width] + [rows, columns]
    planes = [map_coordinates(picture[..., c], at, order=1, mode="nearest") for c in range(3)]
    return np.stack(planes, axis=2)


def patch(picture: Pixels, other: Pixels, rng: Generator) -> Pixels:
    """Rows of macroblocks, or single ones, taken from another frame: concealment by copying."""
    height, width = picture.shape[0] // 16, picture.shape[1] // 16
    chosen = rng.random((height, 1 if rng.random() < 0.6 else width)) < rng.uniform(0.05, 0.9)
    mask = np.kron(np.broadcast_to(chosen, (height, width)), np.ones((16, 16)))[..., None] > 0
    return np.where(mask, other, picture)


SYNTHETIC = {
    "grey": grey,
    "blur": blur,
    "blocks": blocks,
    "rescale": rescale,
    "colour": colour,
    "noise": noise,
    "warp": warp,
}
