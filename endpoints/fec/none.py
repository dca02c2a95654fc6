"""The code without repair packets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.fec.block_code import BlockCode, check_source, check_symbols
from lossweep.endpoints.fec.code import CodeFamily


@dataclass(frozen=True)
class NoCode(CodeFamily):
    """No FEC: source packets only, of any number."""

    name = "none"
    title = ""
    code_rate = 1.0

    @property
    def label(self) -> str:
        """`none`."""
        return self.name

    def make(self, k: int, n: int | None = None) -> Uncoded:
        """A block of k >= 1 source packets.

        Raises:
            ValueError: k < 1, or n given and not k.
        """
        if k < 1 or n not in (None, k):
            raise ValueError(f"no code makes n={n} packets of k={k}; without FEC n is k, and k is 1 or more")
        return Uncoded(k)


@dataclass(frozen=True)
class Uncoded(BlockCode):
    """A block that is sent as it is."""

    k: int

    @property
    def n(self) -> int:  # type: ignore[override]
        """k: there are no repair packets."""
        return self.k

    def recovers(self, arrived: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """What arrived, bool [k]."""
        return arrived.copy()

    def encode(self, source: list[bytes]) -> list[bytes]:
        """The source itself.

        Raises:
            ValueError: not k symbols, or not of equal length.
        """
        check_source(source, self.k)
        return list(source)

    def decode(self, symbols: dict[int, bytes]) -> list[bytes | None]:
        """What arrived, None elsewhere.

        Raises:
            ValueError: an ESI outside 0 to k-1, or symbols of unequal length.
        """
        check_symbols(list(symbols.values()), symbols, self.n)
        return [symbols.get(esi) for esi in range(self.k)]
