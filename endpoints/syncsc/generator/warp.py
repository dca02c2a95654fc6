"""The bare warp: each part of the reference picture is moved to where the face model says it now is."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

SIDE = 256
GRID = 64
ANCHORS_A_SIDE = 8
# Landmark numbers (MediaPipe) that lead the motion: oval, brows, lids, nose, lips. The rest follows.
LEADING = (
    *(10, 297, 284, 389, 454, 361, 397, 379, 400, 152, 176, 150, 172, 132, 234, 162, 54, 67),
    *(70, 105, 107, 336, 334, 300),
    *(33, 159, 133, 145, 362, 386, 263, 374),
    *(168, 197, 4, 98, 327, 2),
    *(61, 40, 0, 270, 291, 321, 17, 91, 78, 81, 13, 311, 308, 402, 14, 178),
    *(50, 280, 205, 425, 214, 434, 199),
)


def warp(
    reference: NDArray[np.uint8], from_points: NDArray[np.floating], to_points: NDArray[np.floating]
) -> NDArray[np.uint8]:
    """The reference picture with its points moved; nothing is learned and hidden parts are not filled in.

    Args:
        reference: uint8 [256, 256, 3].
        from_points: [478, 2 or 3], where the face's points stand in the reference, pixels.
        to_points: [frames, 478, 2 or 3], where they are to stand.
    Returns:
        uint8 [frames, 256, 256, 3].
    """
    import torch

    flow = torch.from_numpy(motion(from_points, to_points))
    picture = torch.from_numpy(reference).permute(2, 0, 1).float()
    moved = [sample(picture[None], enlarge(one[None]))[0] for one in flow]
    return torch.stack(moved).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()


def motion(
    from_points: NDArray[np.floating], to_points: NDArray[np.floating], grid: int = GRID
) -> NDArray[np.float32]:
    """The backward motion field: where in the reference each place of the drawn picture comes from.

    A thin-plate spline through the leading points and fixed anchors on the picture's border: minimal bending,
    so hair and neck follow the face and the border stays.

    Args:
        from_points: [478, 2 or 3] in the reference, pixels of the 256x256 picture.
        to_points: [frames, 478, 2 or 3].
        grid: rows and columns of the field.
    Returns:
        float32 [frames, 2, grid, grid], displacement (x, y) in pixels of a 256x256 picture, at cell middles.
    Source: F. L. Bookstein, Principal warps, IEEE PAMI 11(6), 1989.
    """
    leading = list(LEADING)
    start = np.asarray(from_points, np.float64)[leading, :2]
    ends = np.asarray(to_points, np.float64)[:, leading, :2]
    return np.stack([_thin_plate(start, end, grid) for end in ends]) if len(ends) else _no_field(grid)


def _no_field(grid: int) -> NDArray[np.float32]:
    return np.zeros((0, 2, grid, grid), np.float32)


def _thin_plate(start: NDArray, end: NDArray, grid: int) -> NDArray[np.float32]:
    anchors, cells = _anchors(), _cells(grid)
    knots = np.concatenate([end, anchors]) / SIDE
    values = np.concatenate([start - end, np.zeros_like(anchors)])
    n = len(knots)
    system = np.zeros((n + 3, n + 3))
    # A little smoothing: two points that cross must not fold the picture.
    system[:n, :n] = _kernel(knots, knots) + 1e-4 * np.eye(n)
    system[:n, n] = system[n, :n] = 1
    system[:n, n + 1 :] = knots
    system[n + 1 :, :n] = knots.T
    weights = np.linalg.solve(system, np.concatenate([values, np.zeros((3, 2))]))
    bent = _kernel(cells.astype(np.float32), knots.astype(np.float32)) @ weights[:n].astype(np.float32)
    field = bent + weights[n] + cells @ weights[n + 1 :]
    return field.T.reshape(2, grid, grid).astype(np.float32)


def _kernel(a: NDArray, b: NDArray) -> NDArray[np.floating]:
    """r^2 log r of the distances between two sets of points."""
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    squared = np.maximum(squared, squared.dtype.type(1e-12))
    return squared * np.log(squared) / 2


@lru_cache(maxsize=1)
def _anchors() -> NDArray[np.float64]:
    line = np.linspace(0, SIDE, ANCHORS_A_SIDE + 1)
    along = [(x, y) for x in line for y in line if x in (0, SIDE) or y in (0, SIDE)]
    return np.array(along, np.float64)


@lru_cache(maxsize=4)
def _cells(grid: int) -> NDArray[np.float64]:
    line = (np.arange(grid) + 0.5) / grid
    return np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)


def enlarge(field: torch.Tensor, side: int = SIDE) -> torch.Tensor:
    """A field [n, channels, grid, grid] at the picture's own size, bilinear."""
    from torch.nn import functional

    return functional.interpolate(field, size=(side, side), mode="bilinear", align_corners=False)


class Squares(NamedTuple):
    """Squares of the pictures of a batch: (top, left) corners, and the side; pixels, multiples of 16.

    The first corner is the first picture's, and so on; after the last picture comes the first again.
    """

    corners: tuple[tuple[int, int], ...]
    side: int


def cut(pictures: torch.Tensor, squares: Squares | None, scale: int = 1) -> torch.Tensor:
    """The squares of pictures [n, c, h, w] (shrunk `scale` times), [squares, c, side / scale, side / scale].

    None leaves the pictures whole.
    """
    import torch

    if squares is None:
        return pictures
    side = squares.side // scale
    at = [(top // scale, left // scale) for top, left in squares.corners]
    n = len(pictures)
    return torch.stack([pictures[i % n, :, y : y + side, x : x + side] for i, (y, x) in enumerate(at)])


def sample(picture: torch.Tensor, displacement: torch.Tensor, squares: Squares | None = None) -> torch.Tensor:
    """What stands at each place plus its displacement, bicubic, the border continued.

    Args:
        picture: float32 [n, channels, h, w].
        displacement: float32 [n, 2, side, side], (x, y) in pixels of a 256x256 picture.
        squares: of the places asked for; None asks for all.
    """
    import torch
    from torch.nn import functional

    side = displacement.shape[-1]
    line = (torch.arange(side, device=picture.device, dtype=torch.float32) + 0.5) * (2 / side) - 1
    here = torch.stack(torch.meshgrid(line, line, indexing="xy"))
    places = cut(here + displacement * (2 / SIDE), squares).permute(0, 2, 3, 1)
    picture = picture.repeat(len(places) // len(picture), 1, 1, 1)
    return functional.grid_sample(picture, places, "bicubic", "border", align_corners=False)
