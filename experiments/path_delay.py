"""The delay of a path itself, without what traffic adds."""

from __future__ import annotations

from lossweep.channels.path import PathModel
from lossweep.experiments.parts import ChannelParams, PathParams

RARELY = 0.001
"""Share of packets that count as too few to be worth a playout."""


def usual_delay_s(path: PathModel, share: float = 0.5) -> float:
    """The sum of the delays that a share of the packets does not exceed at each element, s; queues count as empty."""
    return sum(element.delay_quantile(share) or 0.0 for element in path.elements)


def unplayable(channel: ChannelParams, path: PathParams) -> str | None:
    """One line where the playout delay is shorter than what nearly every packet takes; None where it is not."""
    delay_s = path.playout_delay_s
    if isinstance(delay_s, str):
        return None
    least_s = usual_delay_s(channel.make(path.propagation_delay_s, path.jitter_s), RARELY)
    if least_s <= delay_s:
        return None
    return (
        f"path: a playout delay of {1000 * delay_s:g} ms is shorter than the path's own delay of "
        f"{1000 * least_s:.4g} ms over {channel.name}: nothing can be played; raise path.playout_delay_s"
    )
