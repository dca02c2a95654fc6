"""Real-valued parity over four frames: the rows, their 16 bits on the wire, and how they are chosen."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossweep.endpoints.syncsc.codes.interleaving import SOURCE_PACKETS
from lossweep.endpoints.syncsc.codes.motion import posterior

STEP = 2.0**-12
VARIANCE = STEP**2 / 12
KNEE, COARSE = 4.0, 4
UNKNOWN = -(2**15)
WIRE = np.dtype(">i2")
LOSSES = (0.3, 0.5, 0.7, 0.8, 0.9)
WINDOW, BLOCK, BATCH = 16, 8, 32


def to_wire(values: NDArray[np.floating]) -> bytes:
    """16-bit integers, in steps of 2^-12 standard deviations up to +-4 and of 2^-10 up to +-20; beyond, UNKNOWN."""
    size = np.abs(np.asarray(values, np.float64)) / STEP
    knee = KNEE / STEP
    steps = np.round(np.where(size <= knee, size, knee + (size - knee) / COARSE))
    return np.where(steps < 2**15, np.sign(values) * steps, UNKNOWN).astype(WIRE).tobytes()


def from_wire(payload: bytes) -> NDArray[np.float64]:
    """The values; nan where they are unknown."""
    steps = np.frombuffer(payload, WIRE).astype(np.float64)
    size, knee = np.abs(steps), KNEE / STEP
    values = np.sign(steps) * np.where(size <= knee, size, knee + (size - knee) * COARSE) * STEP
    return np.where(steps == UNKNOWN, np.nan, values)


def precision_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """One over the variance of the rounding of values that `from_wire` gave; 0 where they are nan."""
    return np.where(np.isnan(values), 0, np.where(np.abs(values) <= KNEE, 1, COARSE**-2) / VARIANCE)


def rows_of(parity: Tensor) -> Tensor:
    """[n, 4]: weights of each packet's four frames; the source packets one each, then the parity."""
    return torch.cat([torch.eye(SOURCE_PACKETS, dtype=parity.dtype), parity])


def optimize_parity(covariance: Tensor, n: int, seed: int = 0, steps: int = 250, starts: int = 4) -> Tensor:
    """Parity rows [n - 4, 4] of length 1 that serve best where fewer than four packets arrive.

    Gradient descent on the root of the conditional variance over loss rates and patterns (of 2 blocks of 8
    frames, numbers of the mean correlation), with a weight on the logarithm of how any four packets that give
    the block back magnify the parity's rounding; the best of some starts.

    Args:
        covariance: [16, lags].
        n: packets of a block, 8 or 16.
    """
    random = torch.Generator().manual_seed(seed)
    correlation = (covariance / covariance[:, :1]).mean(0)
    at = torch.arange(WINDOW)
    eye = torch.eye(WINDOW, dtype=torch.float64)
    prior = torch.linalg.inv(correlation[(at[:, None] - at).abs()] + 1e-6 * eye)
    fours = torch.tensor(list(combinations(range(n), SOURCE_PACKETS)))

    def cost(parity: Tensor, batch: int) -> Tensor:
        rows = rows_of(parity)
        some = fours[torch.randperm(len(fours), generator=random)[:256]]
        magnified = torch.linalg.inv(rows[some]).square().sum(2).amax(1).log() / 2
        out = 0.1 * (magnified.clamp(min=1).mean() + 0.05 * torch.logsumexp(4 * magnified, 0))
        for p in LOSSES:
            rate = p if n == 8 else p**0.5
            there = torch.rand(batch, WINDOW // BLOCK, n, generator=random, dtype=torch.float64) >= rate
            out = out + _variance(prior, rows, there.double()).mean().sqrt()
        return out

    found: list[tuple[float, int, Tensor]] = []
    for _ in range(starts):
        noise = torch.randn(n - SOURCE_PACKETS, SOURCE_PACKETS, generator=random, dtype=torch.float64)
        parity = (0.5 + 0.3 * noise).requires_grad_()
        optimizer = torch.optim.Adam([parity], 0.02)
        fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for _ in range(steps):
            optimizer.zero_grad()
            cost(parity, BATCH).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            fall.step()
            with torch.no_grad():
                parity /= parity.norm(dim=1, keepdim=True)
        with torch.no_grad():
            found.append((cost(parity, 2000).item(), len(found), parity.detach().clone()))
    return min(found)[2]


def _variance(prior: Tensor, rows: Tensor, there: Tensor) -> Tensor:
    information = torch.einsum("bpn,ni,nj->bpij", there, rows, rows) / VARIANCE
    information = information.repeat_interleave(BLOCK // SOURCE_PACKETS, 1)
    whole = torch.stack([torch.block_diag(*each) for each in information])  # type: ignore[no-untyped-call]
    _, covariance = posterior(
        torch.zeros(len(there), WINDOW, dtype=torch.float64), prior, whole, whole[..., 0]
    )
    return covariance.diagonal(dim1=1, dim2=2)[:, -BLOCK:]
