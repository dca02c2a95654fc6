"""Parity over subsets of a block's packets, decoded by peeling."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.fec.block_code import BlockCode, check_source, check_symbols


@dataclass(frozen=True)
class ParityBlock(BlockCode):
    """A block whose repair symbols are each the XOR of some source symbols.

    Peeling: a repair symbol with one unknown source symbol gives it, which may leave others with one unknown.

    Attributes:
        k: source symbols, >= 1.
        parities: the source symbols of each repair symbol, increasing.
    Source: RFC 8627, Section 6.3.4 (the iterative decoder, on any subsets).
    """

    k: int
    parities: tuple[tuple[int, ...], ...]

    @property
    def n(self) -> int:  # type: ignore[override]
        """All symbols."""
        return self.k + len(self.parities)

    def depends_on(self, esi: int) -> tuple[int, ...]:
        """The source symbols of a repair symbol."""
        return self.parities[esi - self.k]

    def recovers(self, arrived: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Source packets known after peeling, bool [k]."""
        known = arrived[: self.k].copy()
        known[[source for source, _ in self._peel(arrived)]] = True
        return known

    def encode(self, source: list[bytes]) -> list[bytes]:
        """n symbols from k of equal length; the first k are the source itself.

        Raises:
            ValueError: not k symbols, or not of equal length.
        """
        check_source(source, self.k)
        return source + [xor([source[i] for i in parity]) for parity in self.parities]

    def decode(self, symbols: dict[int, bytes]) -> list[bytes | None]:
        """The k source symbols from those that arrived, by ESI; None where it is not recovered.

        Raises:
            ValueError: an ESI outside 0 to n-1, or symbols of unequal length.
        """
        check_symbols(list(symbols.values()), symbols, self.n)
        known = {esi: symbol for esi, symbol in symbols.items() if esi < self.k}
        for source, parity in self._peel(np.isin(np.arange(self.n), list(symbols))):
            others = [known[i] for i in self.parities[parity] if i != source]
            known[source] = xor([symbols[self.k + parity], *others])
        return [known.get(i) for i in range(self.k)]

    @cached_property
    def _masks(self) -> tuple[int, ...]:
        """Each parity's source symbols as the bits of an integer."""
        return tuple(sum(1 << i for i in parity) for parity in self.parities)

    def _peel(self, arrived: NDArray[np.bool_]) -> list[tuple[int, int]]:
        """(source symbol, parity that gives it), in order of recovery."""
        missing = int.from_bytes(np.packbits(~arrived[: self.k], bitorder="little").tobytes(), "little")
        left, out, found = np.flatnonzero(arrived[self.k :]).tolist(), [], True
        while missing and found:
            found = False
            for parity in left:
                unknown = self._masks[parity] & missing
                if unknown and not unknown & (unknown - 1):
                    out.append((unknown.bit_length() - 1, parity))
                    missing ^= unknown
                    found = True
        return out


def xor(symbols: list[bytes]) -> bytes:
    """The XOR of byte strings; shorter ones count as padded with zeros."""
    total = 0
    for symbol in symbols:
        total ^= int.from_bytes(symbol, "little")
    return total.to_bytes(max(map(len, symbols)), "little")
