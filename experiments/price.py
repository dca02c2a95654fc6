"""The rate overhead of repair, and whether repair packets arrive in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from lossweep.experiments.column import PARTS
from lossweep.experiments.labels import Label, inside_payload
from lossweep.experiments.systems import System

LATE_SHARE = 0.01
"""Smallest share of late packets that is reported."""
FEWEST_LOST = 10
"""Fewest lost packets for a statement about repair."""


def overhead(system: System, everything: Sequence[System]) -> float | None:
    """Payload bytes that repair adds, as a part of the payload without it; None where the table does not give it.

    From the columns `repair_bps` and `source_bps`. A code that works inside the payload, as PacSC does, is compared
    with the same system without a code; inside a part of a system it is not told apart.
    """
    own = _own_codes(system.table)
    if not system.label.code and not own:
        return 0.0
    if any(inside_payload(code) for code in own):
        return None
    table, inside = system.table, system.label.code and system.label.joint != " + "
    if not inside and {"repair_bps", "source_bps"} <= set(table) and table["source_bps"].notna().any():
        return float((table["repair_bps"] / table["source_bps"]).mean())
    plain = [
        other
        for other in everything
        if other.label == Label(system.label.system) and other.settings == system.settings
    ]
    if len(plain) != 1 or "payload_bps" not in table:
        return None
    return float(table["payload_bps"].mean() / plain[0].table["payload_bps"].mean() - 1)


def _own_codes(table: pd.DataFrame) -> set[str]:
    """Codes of the parts of a system."""
    columns = [f"{part}_code" for part in PARTS if f"{part}_code" in table]
    return {str(code) for column in columns for code in table[column].dropna().unique()} - {"none"}


def late(everything: Sequence[System]) -> list[str]:
    """One line per way of sending whose packets or repair come too late to be used; for the page, and after a run."""
    ways = dict.fromkeys(system.way for system in everything)
    return [line for way in ways if (line := _late([s for s in everything if s.way == way]))]


def _late(systems: Sequence[System]) -> str:
    """The line of one way of sending: that of the condition in which most packets are late."""
    systems = [one for one in systems if "discard_rate" in one.table]
    worst = sorted(systems, key=lambda s: float(s.table["discard_rate"].mean()), reverse=True)
    lines = [(s, line) for s in worst if (line := too_late(s.way, s.label, s.table))]
    if not lines:
        return ""
    first, line = lines[0]
    where = (
        f" [{first.condition}; so in {len(lines)} of {len(systems)} conditions]" if first.condition else ""
    )
    return line + where


def too_late(name: str, label: Label, rows: pd.DataFrame | Sequence[Mapping[str, float]]) -> str:
    """What is too late in rows of network statistics of one system; "" where nothing is.

    Repair is judged at losses that its code could repair: up to half of its parity.

    Args:
        rows: columns code, discard_rate, packets_lost, packets_repaired, realised_loss, code_rate, end_to_end_delay_s.
    """
    table = pd.DataFrame(rows)
    wait = 1000 * table["end_to_end_delay_s"].mean()
    problems = []
    share = table["discard_rate"].mean()
    if share > LATE_SHARE:
        problems.append(f"{100 * share:.0f} % of its packets arrive after their playout time")
    if label.code and label.joint == " + ":
        bearable = table[
            (table["realised_loss"] > 0) & (table["realised_loss"] <= (1 - table["code_rate"]) / 2)
        ]
        if bearable["packets_lost"].sum() >= FEWEST_LOST and bearable["packets_repaired"].sum() == 0:
            problems.append(f"{label.code} repairs nothing, because its repair packets arrive too late")
    if not problems:
        return ""
    adapts = "playout" in table and (table["playout"] == "adaptive").any()
    longer = "set call.playout: fixed" if adapts else "wait longer (path.playout_delay_s)"
    return (
        f"{name}: {' and '.join(problems)} (playout delay {wait:.0f} ms); {longer} or protect fewer frames together "
        "(fec_frames, gop; block_frames of speech)"
    )
