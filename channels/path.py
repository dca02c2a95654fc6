"""The path of a scenario: its elements in the order in which packets pass them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lossweep.channels.chance import KINDS, Chance
from lossweep.channels.channel import CHANNELS
from lossweep.channels.delay import Delay
from lossweep.channels.element import Element, Kind, Stage

REVERSE = 1 << 16
"""Elements of the path back are numbered from here on among those of their kind."""


@dataclass(frozen=True)
class PathModel:
    """A path from sender to receiver, as a list of elements.

    Attributes:
        elements: one or more, in the order in which packets pass them.
        label: for tables and plots.
    """

    elements: tuple[Element, ...]
    label: str = ""

    @classmethod
    def from_params(
        cls, channel: Mapping[str, Any], *, propagation_delay_s: float = 0.0, jitter_s: float = 0.0
    ) -> PathModel:
        """The path from one value of a scenario's `channel`, followed by a delay if it names none.

        Args:
            channel: `{name: ..., parameters}` for one element, or `{elements: [{name: ...}, ...]}` for a sequence of
                them; without lists as values.
            propagation_delay_s, jitter_s: of the delay element that is added where the path names none: normal,
                packets may overtake one another.
        Raises:
            ValueError: one line; an element is unknown, or a parameter of it is unknown, missing or out of its range.
        """
        members = channel.get("elements", [channel])
        if "elements" in channel and channel.keys() - {"elements", "label"}:
            raise ValueError("a channel with elements takes no other keys; put them into the elements")
        if not isinstance(members, Sequence) or not members:
            raise ValueError("elements must be a list of one path element or more, each with a name")
        elements = tuple(element for member in members for element in _elements(member))
        if not any(element.kind == Kind.DELAY for element in elements):
            elements += (Delay(propagation_delay_s, jitter_s, reordering=True),)
        names = [str(member["name"]) for member in members]
        return cls(elements, str(channel.get("label", "+".join(names))))

    def start(self, *, seed: int, repetition: int, end_s: float) -> list[Stage]:
        """The elements at work, each with the random numbers of its kind and its number among those of its kind."""
        return start(self.elements, seed=seed, repetition=repetition, end_s=end_s)

    @property
    def loss_rate(self) -> float | None:
        """Expected loss of the elements together that lose packets by a law; None where traces or scripts decide it.

        What a queue drops depends on the traffic and is not in it.
        """
        rates = [element.expected_loss() for element in self.elements if element.kind != Kind.CAPACITY]
        known = [rate for rate in rates if rate is not None]
        return 1.0 - math.prod(1.0 - rate for rate in known) if len(known) == len(rates) else None


def start(
    elements: Sequence[Element], *, seed: int, repetition: int, end_s: float, reverse: bool = False
) -> list[Stage]:
    """Elements at work on one path, each with random numbers of its own.

    Args:
        elements: in the order in which packets pass them.
        seed, repetition: integers >= 0.
        end_s: until when elements with packets of their own send them.
        reverse: of the path back, whose random numbers are others.
    """
    seen: Counter[Kind] = Counter(dict.fromkeys(Kind, REVERSE) if reverse else {})
    stages = []
    for element in elements:
        number = int(element.kind) + KINDS * seen[element.kind]
        seen[element.kind] += 1
        stages.append(element.start(Chance(seed, repetition, number), end_s))
    return stages


def delay_quantile(elements: Sequence[Element], q: float) -> float | None:
    """Sum of the elements' delay quantiles, in seconds; None where traffic decides one of them."""
    quantiles = [element.delay_quantile(q) for element in elements]
    known = [quantile for quantile in quantiles if quantile is not None]
    return sum(known) if len(known) == len(quantiles) else None


def _elements(member: Any) -> tuple[Element, ...]:
    if isinstance(member, str):
        member = {"name": member}
    if not isinstance(member, Mapping) or "name" not in member:
        raise ValueError(f"{member!r} is no path element; it needs a name")
    params = {key: value for key, value in member.items() if key != "name"}
    made = CHANNELS.get(member["name"]).from_params(**params)
    return made if isinstance(made, tuple) else (made,)
