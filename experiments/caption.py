"""What a figure says of itself in one or two lines: clips, channel, loss patterns, what the interval is."""

from __future__ import annotations

from collections.abc import Sequence

from lossweep.experiments.confidence import METHOD
from lossweep.experiments.curves import Panel, patterns
from lossweep.experiments.naming import CHANNELS, value_in_words
from lossweep.experiments.sweep import Sweep

FEW = 3
"""With so few loss patterns Student's t is above 4, and an interval says little."""


def caption(sweep: Sweep, found: Sequence[Panel], x: str, y: str) -> str:
    """The caption of panels of y against x."""
    clips = list(sweep.table["clip"].unique())
    parts = [f"Clip {clips[0]}" if len(clips) == 1 else f"Mean over {len(clips)} clips"]
    if "channel" in sweep.table and "channel" not in sweep.axes:
        channel = sweep.table["channel"].iloc[0]
        parts[0] += f", {CHANNELS.get(channel, channel)}"
    parts += [
        phrase
        for name in sweep.axes
        if name != x and name in sweep.table and sweep.table[name].nunique(dropna=False) == 1
        if (phrase := value_in_words(sweep, name, sweep.values(name).iloc[0]))
    ]
    least, most = patterns(found)
    if most == 1:
        parts.append("one loss pattern, no interval")
    else:
        number = f"{most}" if least == most else f"{least} to {most}"
        few = ", wide with so few" if least <= FEW else ""
        parts.append(f"{number} loss patterns; mean and {METHOD}{few}")
    text = "; ".join(parts) + "."
    if y.startswith("lse") and "lse_expert" in sweep.table:
        text += f" Lip-sync expert: {', '.join(sorted(sweep.table['lse_expert'].dropna().unique()))}."
    sources = [
        entry["source"]
        for entry in sweep.manifest["scenario"].get("reference") or ()
        if (entry["x"], entry["y"]) == (x, y)
    ]
    return text + "".join(f" Hollow points: {source}." for source in dict.fromkeys(sources))
