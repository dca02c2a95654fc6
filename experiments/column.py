"""One column of the tables: what it means, and how its values read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

PARTS = ("video", "speech", "words", "voice")
Scalar = str | int | float | bool | None
Role = Literal["identity", "setting", "rate", "network", "quality", "note"]

FACTORS = {"": 1.0, "%": 100.0, "ms": 1000.0, "kbit/s": 0.001}
"""From the stored unit (fraction, s, bit/s) to the one on the screen."""
COUNTED = ("bytes", "coefficients", "frames", "packets", "pixels", "reference pictures", "windows", "words")
"""Units that are words, whose "s" one does not have."""


@dataclass(frozen=True)
class Column:
    """What one column of the table means.

    Attributes:
        name: as in the table.
        label: for people; starts in lower case unless it is a proper name or an abbreviation.
        role: "identity" (which cell), "setting" (the scenario says it), "rate", "network" (what the network did),
            "quality" (a metric's value), "note" (text).
        unit: stored unit: "s", "bit/s", "dB", ...; "" for a pure number.
        shown: unit on the screen where it is another one: "%" of a fraction, "ms" of s, "kbit/s" of bit/s.
        better: which direction is better; "" where neither is.
        lowest, highest: the values that are possible; None is unlimited.
        media: what a quality is about: "pictures", "speech", "words"; "" for several or none.
        near: difference to the value without loss that a call tolerates ("usable up to"); None is 10 % of that value.
        log: drawn on a logarithmic axis.
        short: how a value reads in the name of a curve: "GOP {}"; "" is the label and the value.
    """

    name: str
    label: str
    role: Role
    unit: str = ""
    shown: str = ""
    better: Literal["higher", "lower", ""] = ""
    lowest: float | None = None
    highest: float | None = None
    media: Literal["pictures", "speech", "words", ""] = ""
    near: float | None = None
    log: bool = False
    short: str = ""

    @property
    def least_span(self) -> float:
        """The least that an axis spans, so that noise does not look like an effect, in the stored unit.

        What a call tolerates (`near`), else a twentieth of the range; 0 where there is no such range.
        """
        if self.near is not None:
            return self.near
        if self.lowest is None or self.highest is None:
            return 0.0
        return (self.highest - self.lowest) / 20

    @property
    def factor(self) -> float:
        """Factor from the stored unit to the one on the screen."""
        return FACTORS[self.shown]

    def heading(self) -> str:
        """Label with the unit of the screen: "packet loss rate / %"."""
        unit = self.shown or self.unit
        return f"{self.label} / {unit}" if unit else self.label

    def text(self, value: Any) -> str:
        """A value with its unit as text: "5 %", "150 ms", "1 frame", "rtp"."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return str(value)
        unit = self.shown or self.unit
        if value == 1 and unit in COUNTED:
            unit = unit[:-1]
        return f"{value * self.factor:.6g} {unit}".strip()

    def phrase(self, value: Any) -> str:
        """A value in the name of a curve: "GOP 4", "playout delay 150 ms"; "" of what is not there or off."""
        if value is None or value is False or value in ("none", ""):
            return ""
        if value is True:
            return self.label
        return (self.short or f"{self.label} {{}}").format(self.text(value))
