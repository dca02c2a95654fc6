"""How faces move, as a Gaussian: the conditional mean of numbers that are known in part."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.channels.errors import WeightsError
from lossweep.endpoints.syncsc import MODEL
from lossweep.endpoints.weights import load_arrays, save_arrays

LAGS = 256
LONGEST_FIT = 100
FLOOR = 1e-7
FILE = "pacsc-s-motion.safetensors"


@dataclass(frozen=True)
class Motion:
    """Autocovariance of each of the 16 numbers, and the parity that suits it.

    Attributes:
        covariance: float64 [16, 256], at lags 0 to 255 frames; positive definite.
        parity: code rate -> float64 [n - 4, 4], rows of length 1. See `parity`.
    """

    covariance: Tensor
    parity: dict[float, Tensor]
    _priors: dict[tuple[int, int], tuple[Tensor, Tensor]] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, path: Path = MODEL / FILE) -> Motion:
        """What ships.

        Raises:
            WeightsError: it is missing or broken.
        """
        return _load(path)

    def save(self, path: Path) -> None:
        """Writes it, in float32: what counts of the covariance is how little it falls from lag to lag."""
        parity = {f"parity-{rate:g}": rows.float().numpy() for rate, rows in self.parity.items()}
        save_arrays(path, {"covariance": self.covariance.float().numpy(), **parity})

    def prior(self, distance: int, frames: int) -> tuple[Tensor, Tensor]:
        """Of a window's frames, given the number `distance` >= 1 frames before its first: mean and precision.

        Args:
            distance: 256 or more counts as 255; 0 means that nothing is given.
        Returns:
            [16, frames], factor of that number; [16, frames, frames], inverse covariance.
        """
        distance = min(distance, LAGS - 1)
        if (distance, frames) not in self._priors:
            at = torch.arange(frames)
            within = self.covariance[:, (at[:, None] - at).abs()]
            factor = torch.zeros(len(within), frames, dtype=torch.float64)
            if distance:
                to = self.covariance[:, (at + distance).clamp(max=LAGS - 1)]
                factor = to / self.covariance[:, :1]
                within = within - to[:, :, None] * factor[:, None]
            precision = torch.linalg.inv(within + FLOOR * torch.eye(frames, dtype=torch.float64))
            self._priors[distance, frames] = factor, precision
        return self._priors[distance, frames]


def posterior(
    mean: Tensor, precision: Tensor, information_matrix: Tensor, information_vector: Tensor
) -> tuple[Tensor, Tensor]:
    """Mean and covariance of Gaussian numbers after linear measurements H x + noise = y.

    Args:
        mean: [..., frames]; precision: [..., frames, frames], before.
        information_matrix: [..., frames, frames], H' N^-1 H, with N the noise's covariance.
        information_vector: [..., frames], H' N^-1 y.
    Returns:
        mean [..., frames], covariance [..., frames, frames].
    Source: the information form of Gaussian conditioning; for time series "simple kriging".
    """
    covariance = torch.linalg.inv(precision + information_matrix)
    left = information_vector - (information_matrix @ mean[..., None])[..., 0]
    return mean + (covariance @ left[..., None])[..., 0], covariance


def covariance_of(sequences: list[NDArray[np.floating]]) -> NDArray[np.float64]:
    """Autocovariance [16, 256] about 0 of sequences [frames, 16], smooth and positive definite.

    The variogram up to 100 frames is fitted, relative to itself, by a sum of exponential, Gaussian and Matern-3/2
    terms of many lengths and a nugget, with weights >= 0; what it leaves of the variance stands for what never
    changes in a clip (whose face it is).
    """
    from scipy.optimize import nnls

    lags, all_lags = np.arange(1, LONGEST_FIT + 1), np.arange(LAGS)
    squares, count = np.zeros((LONGEST_FIT, sequences[0].shape[1])), np.zeros((LONGEST_FIT, 1))
    for s in sequences:
        for lag in range(1, min(LONGEST_FIT + 1, len(s))):
            squares[lag - 1] += np.square(np.float64(s[lag:] - s[:-lag])).sum(0) / 2
            count[lag - 1] += len(s) - lag
    variogram, variance = squares / count, np.mean(np.square(np.concatenate(sequences), dtype=np.float64), 0)
    terms, out = _terms(lags), []
    for measured, total in zip(variogram.T, variance, strict=True):
        weight = 1 / (measured * np.sqrt(lags))
        shares, _ = nnls((1 - terms) * weight[:, None], measured * weight)
        fitted = _terms(all_lags) @ shares
        out.append(fitted + max(total - fitted[0], 0.05 * total))
    return np.array(out)


def _terms(lags: NDArray[np.integer]) -> NDArray[np.float64]:
    lengths, lag = np.geomspace(0.5, 400, 24), lags[:, None].astype(float)
    exponential = np.exp(-lag / lengths)
    gaussian = np.exp(-np.square(lag / lengths) / 2)
    return np.concatenate([exponential, gaussian, (1 + lag / lengths) * exponential, lag == 0], axis=1)


@lru_cache(maxsize=2)
def _load(path: Path) -> Motion:
    stored = {name: torch.from_numpy(v).double() for name, v in load_arrays(path, "pacsc-s").items()}
    try:
        return Motion(stored["covariance"], {rate: stored[f"parity-{rate:g}"] for rate in (0.5, 0.25)})
    except KeyError as error:
        raise WeightsError(f"pacsc-s: {path} is broken (it has no {error}); reinstall it") from None
