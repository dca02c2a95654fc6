"""What a network costs: time of a pass, and number of parameters."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from torch import nn

PASSES = 5


def milliseconds(function: Callable[..., object], *args: object) -> float:
    """Median time of PASSES calls in milliseconds."""
    times = []
    for _ in range(PASSES):
        start = time.perf_counter()
        function(*args)
        times.append(1000 * (time.perf_counter() - start))
    return float(np.median(times))


def millions(network: nn.Module) -> float:
    """Parameters of a network, in millions."""
    return sum(p.numel() for p in network.parameters()) / 1e6
