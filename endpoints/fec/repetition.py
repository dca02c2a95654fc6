"""Copies of packets: a repetition code."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.fec.block_code import BlockCode, check_source, check_symbols
from lossweep.endpoints.fec.code import CodeFamily


@dataclass(frozen=True)
class Repetition(CodeFamily):
    """Every source packet is sent 1 / code_rate times, at the rate of Reed-Solomon.

    Each copy is a separate repair packet, after the source packets of its block. So a stream has as many packets as
    with Reed-Solomon at the same code rate, and both use the same random draws for the same (sbn, esi). It is not the
    redundancy of RFC 2198, which puts the copy into another packet and saves its headers (`packetize.red`).

    Attributes:
        code_rate: k/n: 1, 1/2, 1/3, ...
    Raises:
        ValueError: code_rate is not one over an integer.
    """

    code_rate: float
    name = "repetition"
    title = "repetition"

    def __post_init__(self) -> None:
        rate = self.code_rate
        number = isinstance(rate, int | float | np.number) and not isinstance(rate, bool)
        if not number or not 0.0 < rate <= 1.0 or abs(1 / rate - round(1 / rate)) > 1e-9:
            raise ValueError(f"code_rate is {rate!r}; with copies it must be 1, 1/2, 1/3, ... (0.5, 0.25)")

    def make(self, k: int, n: int | None = None) -> Copies:
        """The code for k source packets; n = k / code_rate.

        Raises:
            ValueError: k < 1, or n given and not a multiple of k.
        """
        n = k * round(1 / self.code_rate) if n is None else n
        if k < 1 or n % k or n < k:
            raise ValueError(f"n={n} is not a multiple of k={k}, or k is below 1")
        return Copies(k, n)


@dataclass(frozen=True)
class Copies(BlockCode):
    """A block whose encoding symbol i is source symbol i mod k.

    Attributes:
        k, n: n a multiple of k.
    """

    k: int
    n: int

    def recovers(self, arrived: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Source packets of which at least one copy arrived, bool [k]."""
        return np.asarray(arrived.reshape(-1, self.k).any(0))

    def depends_on(self, esi: int) -> tuple[int, ...]:
        """The source symbol of which it is a copy."""
        return (esi % self.k,)

    def encode(self, source: list[bytes]) -> list[bytes]:
        """The source symbols, repeated n / k times.

        Raises:
            ValueError: not k symbols, or not of equal length.
        """
        check_source(source, self.k)
        return list(source) * (self.n // self.k)

    def decode(self, symbols: dict[int, bytes]) -> list[bytes | None]:
        """The source symbols of which a copy arrived, None elsewhere.

        Raises:
            ValueError: an ESI outside 0 to n-1, or symbols of unequal length.
        """
        check_symbols(list(symbols.values()), symbols, self.n)
        found = {esi % self.k: symbol for esi, symbol in sorted(symbols.items())}
        return [found.get(esi) for esi in range(self.k)]
