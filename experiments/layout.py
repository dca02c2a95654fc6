"""Where the panels of a figure stand, how large they are, and the room that names, titles and caption take."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lossweep.experiments.panel import Curve, Panel

LETTER, LINE = 0.062, 0.135
"""Width of a letter and height of a line of 8 point text, inches."""
MARGIN = 0.85
"""Left of the first column: the heading of the y axis and its numbers, inches."""
BETWEEN = 0.6
"""Above a panel: its title, the numbers and the heading of the x axis of the panel above, inches."""
WIDEST = 12.0
"""Width of a figure that is still read on a page, inches."""
MANY = 4
"""Columns from which on panels are small."""


@dataclass(frozen=True)
class Layout:
    """Sizes in inches.

    Attributes:
        places: row and column of each panel.
        width, height: of a panel.
        names: the room for names beside it.
        caption: its lines.
    """

    places: tuple[tuple[int, int], ...]
    width: float
    height: float
    names: float
    caption: str

    @property
    def rows(self) -> int:
        """Rows of panels."""
        return 1 + max(row for row, _ in self.places)

    @property
    def below(self) -> float:
        """Height of the caption and of what stands between it and the last row."""
        return 0.5 + 0.125 * (self.caption.count("\n") + 1)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the figure."""
        columns = 1 + max(column for _, column in self.places)
        return (
            MARGIN + columns * (self.width + self.names),
            self.rows * (self.height + BETWEEN) + self.below - 0.15,
        )

    def title(self, text: str) -> str:
        """A panel's title in lines that stay above it."""
        return "\n".join(textwrap.wrap(text, int((self.width + self.names) / 0.075)))


def layout_of(
    panels: Sequence[Panel], caption: str, further: Sequence[str] = (), wide_numbers: bool = False
) -> Layout:
    """The layout of panels.

    Args:
        further: names in each panel beside those of its curves.
        wide_numbers: panels in all columns have numbers of their own at the y axis.
    """
    names = [wrapped(name_in_panel(curve, panel)) for panel in panels for curve in panel.curves]
    names += map(wrapped, further)
    widest = max(len(line) for name in names for line in name.split("\n"))
    room = 0.6 + LETTER * widest + 0.35 * wide_numbers
    places = _places(panels, max(1, min(3, int((WIDEST - MARGIN) / (2.9 + room)))))
    columns = 1 + max(column for _, column in places)
    width, height = (4.6, 3.1) if len(panels) == 1 else (2.0, 1.8) if columns >= MANY else (2.9, 2.2)
    most = max(
        sum(1 + wrapped(name_in_panel(c, p)).count("\n") for c in p.curves) + len(further) for p in panels
    )
    lines = textwrap.fill(caption, int((MARGIN + columns * (width + room)) * 17.5))
    return Layout(tuple(places), width, max(height, LINE * (most + 1)), room, lines)


def name_in_panel(curve: Curve, panel: Panel) -> str:
    """The name beside a line, without what the title says."""
    label = curve.label
    if label.rate and f"code rate {label.rate}" in panel.group:
        label = label.without_rate
    code = "" if label.code and label.code in panel.title else label.code
    if panel.group.startswith(label.system):
        return ", ".join(filter(None, (code or "no repair", curve.variant)))
    name = str(replace(label, code=code))
    return f"{name}, {curve.variant}" if curve.variant else name


def wrapped(name: str) -> str:
    """A name in lines; numbers stay with their units."""
    kept = re.sub(r"(?<=\w) (?=\d+/\d|kbit/s|ms|frames|packets|\d+\b)", "\u00a0", name)
    return "\n".join(textwrap.wrap(kept, 32, break_on_hyphens=False)).replace("\u00a0", " ")


def _places(panels: Sequence[Panel], fit: int) -> list[tuple[int, int]]:
    """Row and column of each panel: groups against conditions, the fewer of them across; else one after another.

    Args:
        fit: columns that fit into WIDEST.
    """
    groups = list(dict.fromkeys(panel.group for panel in panels))
    conditions = sorted({panel.row for panel in panels})
    if len(groups) < 2 or len(conditions) < 2:
        columns = 2 if len(panels) == 4 else min(len(panels), fit)
        return [divmod(i, columns) for i in range(len(panels))]
    cells = [(conditions.index(panel.row), groups.index(panel.group)) for panel in panels]
    return cells if len(groups) <= len(conditions) else [(column, row) for row, column in cells]
