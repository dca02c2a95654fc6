"""What FlexFEC and ULPFEC have in common: XOR repair packets of a named pattern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lossweep.endpoints.fec.code import CodeFamily, check_code_rate

Parity = tuple[int, ...]
"""The source packets of a repair packet."""


@dataclass(frozen=True)
class ParityFamily(CodeFamily):
    """A code whose repair packets are the XOR of source packets.

    Attributes:
        code_rate: k/n, in (0, 1].
        pattern: one of `patterns`; the first is the default.
    Raises:
        ValueError: a parameter out of its range.
    """

    code_rate: float
    pattern: str = ""
    patterns: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        check_code_rate(self.code_rate)
        if self.pattern not in self.patterns:
            raise ValueError(f"pattern is {self.pattern!r}; it must be one of {', '.join(self.patterns)}")

    @property
    def label(self) -> str:
        """`flexfec-0.5-column`."""
        return f"{self.name}-{self.code_rate:g}-{self.pattern}"


def copies(k: int, repair: int) -> list[Parity]:
    """The repair packets beyond k, which are copies, so that at most k are left to be parities."""
    return [(i,) for _ in range((repair - 1) // k) for i in range(k)]
