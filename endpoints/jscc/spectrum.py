"""The variances of all coefficients of a group of pictures, as a smooth function that a few bytes describe.

The logarithm of the variance is a polynomial of the logarithms of the three frequencies (rows, columns, time), one
polynomial for each of the three colours. Natural pictures follow power laws, so few numbers are enough; and the
receiver knows the variance of every coefficient, sent or not.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.polynomial.chebyshev import chebvander
from numpy.typing import NDArray

DEGREES = (5, 4, 4)
"""Highest total degree of the polynomial of each colour."""
TIME_DEGREE = 3
STEP = 1 / 8
"""The numbers are sent as signed bytes, in this step."""
LOWEST, HIGHEST = -3.0, 25.0
"""Limits of the natural logarithm of a variance, for pixels from 0 to 255; rounding alone has -2.5."""
EDGES = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048)
"""Frequencies of rows and columns are gathered in bands, for the fit alone."""
ROUNDS = 20
MOST_WEIGHT = 200.0
"""Of a band, in coefficients: the model errs, so that a band's weight does not grow with its size for ever."""
RIDGE = 1e-3


def fit(coefficients: NDArray[np.float64]) -> NDArray[np.int8]:
    """The numbers that describe the variances, int8 [120]: gamma regression with a logarithmic link.

    Args:
        coefficients: [3, frames, height, width].
    """
    return np.concatenate([_fit(plane, degree) for plane, degree in zip(coefficients, DEGREES, strict=True)])


def variances(numbers: NDArray[np.int8], frames: int, height: int, width: int) -> NDArray[np.float64]:
    """Variance of each coefficient, [3, frames, height, width].

    Args:
        numbers: what `fit` returned.
    """
    planes, at = [], 0
    bases = [_basis(np.arange(n), n) for n in (frames, height, width)]
    for degree in DEGREES:
        terms = _terms(degree)
        cube = np.zeros((TIME_DEGREE + 1, degree + 1, degree + 1))
        cube[tuple(np.array(terms).T)] = numbers[at : at + len(terms)] * STEP
        at += len(terms)
        time, rows, columns = (basis[:, :length] for basis, length in zip(bases, cube.shape, strict=True))
        planes.append(np.einsum("tyx,ft,hy,wx->fhw", cube, time, rows, columns, optimize=True))
    return np.exp(np.clip(np.stack(planes), LOWEST, HIGHEST))


@lru_cache
def _terms(degree: int) -> tuple[tuple[int, int, int], ...]:
    """Degrees in time, rows and columns of each term of a polynomial."""
    return tuple(
        (t, y, x)
        for y in range(degree + 1)
        for x in range(degree + 1 - y)
        for t in range(min(TIME_DEGREE, degree - y - x) + 1)
    )


COUNT = sum(len(_terms(degree)) for degree in DEGREES)
"""Numbers that describe the variances."""


def _basis(frequencies: NDArray[np.float64] | NDArray[np.int64], length: int) -> NDArray[np.float64]:
    """Chebyshev polynomials of the logarithm of the frequency, [frequencies, degrees]."""
    position = 2 * np.log1p(frequencies) / np.log(max(length, 2)) - 1
    return np.asarray(chebvander(position, max(*DEGREES, TIME_DEGREE)))


def _fit(plane: NDArray[np.float64], degree: int) -> NDArray[np.int8]:
    energies, sizes, middles = _bands(plane)
    time, rows, columns = (
        _basis(middle, length) for middle, length in zip(middles, plane.shape, strict=True)
    )
    terms = np.array(_terms(degree)).T
    design = np.einsum("ft,ht,wt->fhwt", time[:, terms[0]], rows[:, terms[1]], columns[:, terms[2]])
    design = design.reshape(-1, terms.shape[1])
    energy = energies.ravel() + np.exp(LOWEST)
    weight = np.minimum(sizes.ravel(), MOST_WEIGHT)
    normal = (design * weight[:, None]).T @ design + RIDGE * np.eye(design.shape[1])
    target = np.log(energy)
    for _ in range(ROUNDS):
        numbers = np.linalg.solve(normal, design.T @ (weight * target))
        level = np.clip(design @ numbers, LOWEST - 9, HIGHEST)
        target = level + np.clip(energy / np.exp(level) - 1, -1, 3)
    return np.clip(np.rint(numbers / STEP), -127, 127).astype(np.int8)


def _bands(
    plane: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[NDArray[np.float64], ...]]:
    """Mean energy of each band [frames, row bands, column bands], its coefficients, and the bands' middles."""
    frames, height, width = plane.shape
    rows, columns = (np.array([e for e in EDGES if e < n] + [n]) for n in (height, width))
    total = np.add.reduceat(np.add.reduceat(plane**2, rows[:-1], 1), columns[:-1], 2)
    size = np.broadcast_to(np.outer(np.diff(rows), np.diff(columns)), total.shape)
    middles = [(edges[:-1] + edges[1:] - 1) / 2 for edges in (rows, columns)]
    return total / size, size.astype(float), (np.arange(frames, dtype=float), *middles)
