"""How the symbols of a group of pictures are shared among its frames, and how the receiver is told."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations, pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

FRAMES, CHUNKS = 4, 20
"""Frames of a group, and equal parts of its symbols."""
HEADER = 128
"""Complex symbols that tell the receiver which allocation it is."""
STATE = 69
"""Channels of the state: 2 key frames and the inputs of 3 interpolations."""
POOL = 4
WIDTH = 32


@lru_cache(maxsize=1)
def allocations() -> NDArray[np.int64]:
    """All ways to share the chunks, int64 [1771, FRAMES]: key frame, then frames 2, 1 and 3 of the group."""
    rows = []
    for cuts in combinations(range(CHUNKS + FRAMES - 1), FRAMES - 1):
        ends = (-1, *cuts, CHUNKS + FRAMES - 1)
        rows.append([end - start - 1 for start, end in pairwise(ends)])
    return np.array(rows)


def number_of(shares: tuple[int, ...]) -> int:
    """The number of an allocation in `allocations`."""
    return int(np.flatnonzero((allocations() == shares).all(1))[0])


UNIFORM = (5, 5, 5, 5)


@lru_cache(maxsize=1)
def _words() -> NDArray[np.complex64]:
    """A random word of HEADER symbols of power 1 for each allocation, the same at both ends."""
    signs = np.random.default_rng(2111).integers(0, 2, (len(allocations()), HEADER, 2)) * 2 - 1
    return ((signs[..., 0] + 1j * signs[..., 1]) / np.sqrt(2)).astype(np.complex64)


def header(number: int) -> NDArray[np.complex64]:
    """The symbols that say which allocation follows, complex64 [HEADER]."""
    return _words()[number]


def read_header(
    symbols: NDArray[np.complex64], certain: NDArray[np.float32], allowed: NDArray[np.bool_]
) -> int:
    """The most likely allocation of those allowed.

    Args:
        symbols: equalised, complex64 [HEADER].
        certain: one over the noise variance of each.
        allowed: of each allocation.
    """
    likelihood = np.real(_words().conj() @ (symbols * certain))
    return int(np.argmax(np.where(allowed, likelihood, -np.inf)))


def best(values: Tensor, allowed: NDArray[np.bool_]) -> int:
    """The number of the allocation of highest value, of those allowed.

    Args:
        values: [1, 1771], see `AllocationNetwork`.
    """
    return int(np.argmax(np.where(allowed, values[0].cpu().numpy(), -np.inf)))


class AllocationNetwork(nn.Module):
    """The value of each allocation for a group of pictures: what a deep Q network learns.

    Its 1771 values are sums of one value per frame and number of chunks (4 x 21 outputs): allocations that share a
    frame's number of chunks then learn from each other. DeepWiVe has 1771 free outputs and trains for far longer.

    Source: Tung and Gunduz 2022 (DeepWiVe, arXiv 2111.13034) and its public configuration: state and actions.
    """

    places: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(STATE, WIDTH, 3, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(WIDTH, WIDTH, 3, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(WIDTH, WIDTH, 3, 2, 1),
            nn.LeakyReLU(0.2),
        )
        self.value = nn.Sequential(
            nn.Linear(WIDTH + 1, 64), nn.LeakyReLU(0.2), nn.Linear(64, FRAMES * (CHUNKS + 1))
        )
        places = torch.from_numpy(allocations()) + torch.arange(FRAMES) * (CHUNKS + 1)
        self.register_buffer("places", places, persistent=False)

    def forward(self, state: Tensor, snr_db: Tensor) -> Tensor:
        """The values, [batch, 1771].

        Args:
            state: [batch, STATE, height, width], see `STATE`.
            snr_db: [batch], as the sender believes it.
        """
        return self.values(functional.avg_pool2d(state, POOL), snr_db)

    def values(self, pooled: Tensor, snr_db: Tensor) -> Tensor:
        """As `forward`, of a state that is averaged over squares of POOL pixels."""
        x = self.features(pooled).mean((2, 3))
        table = self.value(torch.cat([x, (snr_db[:, None] - 5) / 10], 1))
        return table[:, self.places].sum(-1)
