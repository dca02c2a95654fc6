"""Reed-Solomon codes interleaved in one block, and their repair packets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.fec.adu import protect
from lossweep.endpoints.fec.block_code import BlockCode, check_source, check_symbols
from lossweep.endpoints.fec.block_format import BlockFormat
from lossweep.endpoints.fec.reed_solomon_block import ReedSolomonBlock


@dataclass(frozen=True)
class InterleavedBlock(BlockCode):
    """Source packet i belongs to code i mod `depth`; repair packet j, counted from 0, to code j mod `depth`.

    A burst of up to `depth` times the repair packets of one code is repaired, as by one Reed-Solomon code over the
    whole block. One code gives back every block that the interleaved ones give back whole; it has at most 255 packets.

    Attributes:
        k: source packets of the block, >= 1.
        n: all packets, >= k.
        depth: codes, 1 to k.
    Raises:
        ValueError: a code of more than 255 packets, naming its k and n.
    """

    k: int
    n: int
    depth: int

    def __post_init__(self) -> None:
        _ = self.codes

    @cached_property
    def codes(self) -> tuple[ReedSolomonBlock, ...]:
        """The codes."""
        counts = [
            (-(-(self.k - j) // self.depth), -(-(self.n - self.k - j) // self.depth))
            for j in range(self.depth)
        ]
        return tuple(ReedSolomonBlock(k, k + max(0, repair)) for k, repair in counts)

    def places(self, j: int) -> list[int]:
        """ESIs in the block of code j's symbols, in the order of its own ESIs."""
        return [*range(j, self.k, self.depth), *range(self.k + j, self.n, self.depth)]

    def depends_on(self, esi: int) -> range:
        """The source packets of the repair packet's code."""
        return range((esi - self.k) % self.depth, self.k, self.depth)

    def recovers(self, arrived: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Source packets known after repair, bool [k]."""
        known = np.zeros(self.k, bool)
        for j, code in enumerate(self.codes):
            known[j :: self.depth] = code.recovers(arrived[self.places(j)])
        return known

    def encode(self, source: list[bytes]) -> list[bytes]:
        """n symbols from k of equal length; the first k are the source itself.

        Raises:
            ValueError: not k symbols, or not of equal length.
        """
        check_source(source, self.k)
        out = source + [b""] * (self.n - self.k)
        for j, code in enumerate(self.codes):
            for place, symbol in zip(self.places(j), code.encode(source[j :: self.depth]), strict=True):
                out[place] = symbol
        return out

    def decode(self, symbols: dict[int, bytes]) -> list[bytes | None]:
        """The k source symbols from those that arrived, by ESI; None where it is not recovered.

        Raises:
            ValueError: an ESI outside 0 to n-1, or symbols of unequal length.
        """
        check_symbols(list(symbols.values()), symbols, self.n)
        out: list[bytes | None] = [None] * self.k
        for j, code in enumerate(self.codes):
            places = self.places(j)
            known = {esi: symbols[place] for esi, place in enumerate(places) if place in symbols}
            out[j :: self.depth] = code.decode(known)
        return out


@dataclass(frozen=True)
class ReedSolomonFormat(BlockFormat):
    """As `BlockFormat`; each interleaved code has a source block of its own, with its first packet as base.

    The number of repair packets may change from block to block: a repair symbol does not depend on n.

    Attributes:
        stride: from one source packet of a code to the next.
    """

    stride: int = 1

    def payloads(self, source: Sequence[bytes], code: BlockCode, sbn: int) -> list[bytes]:
        """See `RepairFormat`."""
        if not isinstance(code, InterleavedBlock):
            return super().payloads(source, code, sbn)
        out = [b""] * (code.n - code.k)
        base = int.from_bytes(source[0][2:4], "big")
        for j, one in enumerate(code.codes):
            for i, symbol in enumerate(protect(source[j :: code.depth], one)):
                head = self.payload_id(sbn * code.depth + j, one.k + i, one.k, (base + j) % 2**16)
                out[j + i * code.depth] = head + symbol
        return out

    def code(self, k: int, highest: int, make: Callable[[int, int | None], BlockCode]) -> BlockCode:
        """See `BlockFormat`."""
        return ReedSolomonBlock(k, highest + 1)
