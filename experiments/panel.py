"""A panel of a figure: the curves under one condition, and what they are called."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from lossweep.experiments.confidence import FEWEST
from lossweep.experiments.labels import Label

RATES = ("bpp", "payload_bps", "wire_bps")
"""What a point costs."""


@dataclass(frozen=True)
class Curve:
    """One way of sending under one condition; where x is the code rate, all rates of one code.

    Attributes:
        label: the system's name.
        variant: the settings that tell it from others of that name: "GOP 4"; "" where none is needed.
        points: columns x, mean, lower, upper, n (loss patterns, or clips: `Sweep.unit`), clips, cells (their ids), and
            the mean of each of RATES that the sweep has; in the order of x. `lower` and `upper` are nan where n is 1.
            `patterns` is the value of each loss pattern or clip, float64 [n].
        identifier: as in the table's column `endpoint`.
        joined: whether a line goes through the points.
    """

    label: Label
    variant: str
    points: pd.DataFrame = field(compare=False)
    identifier: str
    joined: bool = True

    @property
    def name(self) -> str:
        """The name in the legend."""
        return f"{self.label}, {self.variant}" if self.variant else str(self.label)

    @property
    def certain(self) -> bool:
        """Whether every point has the loss patterns or clips that an interval needs to be shown."""
        return bool(self.points["n"].min() >= FEWEST)


@dataclass(frozen=True)
class Panel:
    """The curves under one condition.

    Attributes:
        network, endpoint: the condition, in terms of the network and of the endpoints.
        context: in a panel of one group of curves, the curves of the others, for comparison.
        group: what the curves have in common: their system, their code rate; "" where panels are not split.
        row: number of the condition.
    """

    network: str
    endpoint: str
    curves: tuple[Curve, ...]
    context: tuple[Curve, ...] = ()
    group: str = ""
    row: int = 0

    @property
    def title(self) -> str:
        """Title of the panel."""
        return ", ".join(filter(None, (self.group, self.network, self.endpoint)))
