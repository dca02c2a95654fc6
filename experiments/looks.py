"""Colours, lines and markers of curves: no two curves of a figure look the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from lossweep.experiments.panel import Curve, Panel

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette, distinguishable with colour blindness."""
LINES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)), (0, (7, 2)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
MOST_LINES = 4
"""Lines of one colour; with more of them each curve has a colour of its own."""
SIZE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
}
"""What all figures share; fonts are embedded in PDF."""


class Look(NamedTuple):
    """How a curve is drawn."""

    colour: str
    line: Any
    marker: str


def looks(panels: Sequence[Panel]) -> dict[str, Look]:
    """The look of each curve, by its name.

    Where a panel shows several systems, colour tells the system and line the code and settings; else colour tells the
    code and line the settings; where there are more codes than colours, colour tells the code without its options.
    """
    curves = list({curve.name: curve for panel in panels for curve in panel.curves}.values())
    several = any(len({c.label.system for c in panel.curves}) > 1 for panel in panels)

    by_family = len({curve.label.code for curve in curves}) > len(COLOURS)

    def ranks(curve: Curve) -> tuple[str, str]:
        rest = ", ".join(filter(None, (curve.label.code, curve.variant)))
        if several:
            return curve.label.system, rest
        return (curve.label.family, rest) if by_family else (curve.label.code, curve.variant)

    first = list(dict.fromkeys(ranks(curve)[0] for curve in curves))
    second = list(dict.fromkeys(ranks(curve)[1] for curve in curves))
    most = max(sum(ranks(c)[0] == one for c in panel.curves) for panel in panels for one in first)
    lines = any(curve.joined for curve in curves)  # points alone are told by their markers
    found: dict[str, Look] = {}
    for curve in curves:
        one, two = first.index(ranks(curve)[0]), second.index(ranks(curve)[1])
        if most > MOST_LINES and lines:
            one, two = curves.index(curve), 0
        alike = {c.name for c in curves if several or c.label.system == curve.label.system}
        found[curve.name] = _free(one, two, {look for name, look in found.items() if name in alike})
    return found


def _free(colour: int, line: int, used: set[Look]) -> Look:
    """The look wanted, or the next one that no curve has."""
    for step in range(len(COLOURS) * len(LINES) * len(MARKERS)):
        shift = line + step + colour // len(COLOURS)
        marker = MARKERS[(shift + shift // len(MARKERS)) % len(MARKERS)]
        look = Look(COLOURS[colour % len(COLOURS)], LINES[shift % len(LINES)], marker)
        if look not in used:
            return look
    raise ValueError("more curves than looks")
