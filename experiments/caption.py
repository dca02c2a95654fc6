"""What a figure says of itself in one or two lines: clips, channel, loss patterns, what the interval is."""

from __future__ import annotations

from collections.abc import Sequence

from lossweep.experiments.confidence import FEWEST, method
from lossweep.experiments.curves import patterns
from lossweep.experiments.naming import CHANNELS, value_in_words
from lossweep.experiments.panel import Panel
from lossweep.experiments.sweep import Sweep


def caption(sweep: Sweep, found: Sequence[Panel], x: str, y: str) -> str:
    """The caption of panels of y against x."""
    clips = list(sweep.table["clip"].unique())
    first = []
    if sweep.unit != "clip" or len(clips) == 1:  # else `certainty` says how many
        first.append(f"Clip {clips[0]}" if len(clips) == 1 else f"Mean over {len(clips)} clips")
    if "channel" in sweep.table and "channel" not in sweep.axes:
        channel = sweep.table["channel"].iloc[0]
        first.append(CHANNELS.get(channel, channel))
    parts = [", ".join(first)] if first else []
    parts += [
        phrase
        for name in sweep.axes
        if name != x and name in sweep.table and sweep.table[name].nunique(dropna=False) == 1
        if (phrase := value_in_words(sweep, name, sweep.values(name).iloc[0]))
    ]
    least, most = patterns(found)
    parts.append(certainty(least, most, sweep.unit))
    text = "; ".join(parts) + "."
    text = text[0].upper() + text[1:]
    if y.startswith("lse") and "lse_expert" in sweep.table:
        text += f" Lip-sync expert: {', '.join(sorted(sweep.table['lse_expert'].dropna().unique()))}."
    sources = [
        entry["source"]
        for entry in sweep.manifest["scenario"].get("reference") or ()
        if (entry["x"], entry["y"]) == (x, y)
    ]
    return text + "".join(f" Hollow points: {source}." for source in dict.fromkeys(sources))


def certainty(least: int, most: int, unit: str = "loss pattern") -> str:
    """What a figure shows of the spread over loss patterns, or over clips.

    Args:
        least, most: smallest and largest number of patterns or clips of a point.
        unit: which of both, see `Sweep.unit`.
    """
    if most == 1:
        return f"one {unit}, no interval"
    number = f"{most} {unit}s" if least == most else f"{least} to {most} {unit}s"
    if most < FEWEST:
        return f"{number}: their mean, a dot for each within the axes; too few for an interval"
    dots = f"; curves with points of fewer than {FEWEST}: a dot for each" if least < FEWEST else ""
    return f"{number}; mean and {method(unit)}{dots}"
