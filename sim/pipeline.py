"""A path in the form of arrays: all packets pass one element, then all pass the next."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lossweep.channels.element import Stage
from lossweep.channels.packets import Packets, in_order


class Pipeline:
    """Stages one after the other; packets may come in parts, so that memory stays bounded.

    Args:
        stages: just started, in the order in which packets pass them.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._stages = list(stages)
        self._held: list[Packets | None] = [None] * len(self._stages)

    def apply(self, packets: Packets, until_s: float = math.inf) -> Packets:
        """Sends packets in.

        Args:
            packets: by time; none earlier than the `until_s` of the call before.
            until_s: no later packet enters before this; inf with the last ones.
        Returns:
            What arrives up to `until_s`, in order of arrival.
        """
        for place, stage in enumerate(self._stages):
            packets = self._ready(place, stage.apply(packets, until_s), until_s)
        return packets

    def _ready(self, place: int, left: Packets, until_s: float) -> Packets:
        held = self._held[place]
        ordered = in_order(left) if held is None else in_order(held, left)
        if until_s == math.inf:
            self._held[place] = None
            return ordered
        count = int(np.searchsorted(ordered.time_s, until_s, side="right"))
        self._held[place] = ordered.select(slice(count, None))
        return ordered.select(slice(0, count))
