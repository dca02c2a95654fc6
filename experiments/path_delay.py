"""The delay of a path itself, without what traffic adds."""

from __future__ import annotations

from pathlib import Path

from lossweep.channels.path import PathModel
from lossweep.experiments.clip_facts import facts_of
from lossweep.experiments.parts import ChannelParams, PathParams
from lossweep.experiments.scenario import Scenario

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


def long_delays(scenario: Scenario) -> list[str]:
    """One line per channel and clip where nearly every packet is on its way for longer than the clip lasts."""
    found = []
    for path in scenario.path:
        for channel in scenario.channel:
            if channel.physical() is not None:
                continue
            least_s = usual_delay_s(channel.make(path.propagation_delay_s, path.jitter_s), RARELY)
            for clip in scenario.clip:
                facts = facts_of(clip)
                if facts is not None and least_s > facts.seconds:
                    found.append(
                        f"channel {channel.name}: a delay of {least_s:g} s is longer than the clip "
                        f"{Path(clip.source).name} ({facts.seconds:.4g} s); delays are in seconds"
                    )
    return found
