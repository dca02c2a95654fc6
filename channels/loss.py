"""What all packet loss models have in common: parameters apart from the state that runs on."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class LossProcess(Protocol):
    """A loss model at work; its state runs on from packet to packet."""

    def lost(self, u_state: float, u_loss: float) -> bool:
        """Whether the next packet is lost.

        Args:
            u_state, u_loss: independent uniforms in [0, 1) of this packet: one for the state of the channel,
                one for the loss in that state. A model without state leaves the first unused.
        """
        ...


class LossModel(Protocol):
    """Parameters of a packet loss model; immutable."""

    @property
    def loss_rate(self) -> float:
        """Stationary probability of loss, in [0, 1]."""
        ...

    @property
    def mean_burst_length(self) -> float:
        """Expected packets in a run of losses; inf where everything is lost."""
        ...

    def process(self) -> LossProcess:
        """The model at work, from the stationary law."""
        ...

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Losses of `n` packets in a row, bool [n], of the same law as `process` and much faster."""
        ...


def check_fraction(name: str, value: Any) -> None:
    """Refuses what is no number in [0, 1].

    Raises:
        ValueError: naming the parameter and the range.
    """
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} is {value!r}; it must be a number in [0, 1]")


def check_names(
    model: str, given: dict[str, Any], required: set[str], optional: set[str] = frozenset()
) -> None:
    """Refuses parameters that are unknown or missing.

    Raises:
        ValueError: one line with the parameters that the model takes.
    """
    wrong = [f"unknown {name!r}" for name in sorted(given.keys() - required - optional)]
    wrong += [f"missing {name!r}" for name in sorted(required - given.keys())]
    if wrong:
        takes = ", ".join(sorted(required) + [f"[{name}]" for name in sorted(optional)])
        raise ValueError(f"{model}: {', '.join(wrong)} (parameters: {takes or 'none'})")
