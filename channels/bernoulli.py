"""Independent packet loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.loss import check_fraction, check_names


@dataclass(frozen=True)
class Bernoulli:
    """Independent (Bernoulli) loss: each packet is lost with the same probability.

    A packet is lost exactly when `u_loss < loss_rate`: with the same uniforms, what is lost at a lower rate
    is lost at a higher one too.

    Attributes:
        loss_rate: probability of loss, in [0, 1].
    Raises:
        ValueError: `loss_rate` outside [0, 1].
    """

    loss_rate: float

    def __post_init__(self) -> None:
        check_fraction("loss_rate", self.loss_rate)

    @classmethod
    def from_params(cls, **params: Any) -> Bernoulli:
        """The channel from a scenario's `loss_rate`.

        Raises:
            ValueError: one line; a parameter is unknown, missing or out of its range.
        """
        check_names("bernoulli", params, {"loss_rate"})
        return cls(params["loss_rate"])

    @property
    def mean_burst_length(self) -> float:
        """Expected packets in a run of losses, 1 / (1 - loss_rate); inf where everything is lost."""
        return 1.0 / (1.0 - self.loss_rate) if self.loss_rate < 1.0 else float("inf")

    def process(self) -> Bernoulli:
        """The model itself: it has no state."""
        return self

    def lost(self, u_state: float, u_loss: float) -> bool:
        """Whether the packet is lost; `u_state` is unused."""
        return u_loss < self.loss_rate

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Losses of `n` packets in a row, bool [n]."""
        return rng.random(n) < self.loss_rate
