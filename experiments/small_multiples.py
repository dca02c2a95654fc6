"""Panels with too many curves to tell apart, split into panels of a few, with the others in grey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lossweep.experiments.panel import Curve, Panel

MOST_CURVES = 8
"""Curves of a panel that can be told apart."""


def small_multiples(found: Sequence[Panel]) -> list[Panel]:
    """The panels as they are where none is fuller than MOST_CURVES; else a panel for each system.

    Systems of one curve each share a panel. A system that is still fuller has a panel for each code rate, with what has
    no code in each of them. A system that has nothing of what the endpoints' panels differ by stands once.
    """
    if all(len(panel.curves) <= MOST_CURVES for panel in found):
        return list(found)
    groups = _groups([curve for panel in found for curve in panel.curves], _full(found))
    if len(groups) < 2:
        return list(found)
    split: list[Panel] = []
    for row, panel in enumerate(found):
        for group, names in groups.items():
            own = tuple(curve for curve in panel.curves if curve.name in names)
            if not own:
                continue
            others = tuple(curve for curve in panel.curves if curve.name not in names)
            one = replace(panel, curves=own, context=others, row=row, group=group)
            same = next(
                (p for p in split if (p.network, p.group) == (one.network, group) and _equal(p, one)), None
            )
            if same is None:
                split.append(one)
            else:
                split[split.index(same)] = replace(same, endpoint="")
    return split


def _full(found: Sequence[Panel]) -> set[str]:
    """The systems with more than MOST_CURVES curves in a panel."""
    return {
        curve.label.system
        for panel in found
        for curve in panel.curves
        if sum(other.label.system == curve.label.system for other in panel.curves) > MOST_CURVES
    }


def _groups(curves: Sequence[Curve], full: set[str]) -> dict[str, set[str]]:
    """Title of each group of curves, and their names."""
    systems = list(dict.fromkeys(curve.label.system for curve in curves))
    of = {system: [curve.name for curve in curves if curve.label.system == system] for system in systems}
    single = [system for system in systems if len(set(of[system])) == 1]
    together = single if 1 < len(single) <= min(MOST_CURVES, len(systems) - 1) else []
    found: dict[str, set[str]] = {}
    if together:
        found[""] = {name for system in together for name in of[system]}
    for system in (system for system in systems if system not in together):
        own = [curve for curve in curves if curve.label.system == system]
        title = system if len(systems) > 1 else ""
        rates = list(dict.fromkeys(curve.label.rate for curve in own if curve.label.rate))
        if system not in full or len(rates) < 2:
            found[title] = {curve.name for curve in own}
            continue
        for rate in rates:
            phrase = ", ".join(filter(None, (title, f"code rate {rate}")))
            found[phrase] = {curve.name for curve in own if curve.label.rate in ("", rate)}
    return found


def _equal(one: Panel, other: Panel) -> bool:
    same = one.curves == other.curves
    return same and all(a.points.equals(b.points) for a, b in zip(one.curves, other.curves, strict=True))
