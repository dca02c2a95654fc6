"""Reed-Solomon over the packets of a block, through zfec."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import zfec
from numpy.typing import NDArray

from lossweep.endpoints.fec.block_code import BlockCode, check_source, check_symbols

MAX_SYMBOLS = 255


@dataclass(frozen=True)
class ReedSolomonBlock(BlockCode):
    """A systematic Reed-Solomon code for one block.

    It is MDS: the block is recovered whole exactly when any k of its n symbols arrived; else what arrived
    of the source still counts. The parity bytes are zfec's (systematic Vandermonde matrix over the field
    polynomial 0x11D); those of other implementations may differ, what is recovered does not.

    Attributes:
        k: source symbols per block, >= 1.
        n: encoding symbols, k <= n <= 255.
    Raises:
        ValueError: k and n out of their range, naming both.
    Source: RFC 5510 (the code, MDS); zfec.
    """

    k: int
    n: int

    mds: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.n > MAX_SYMBOLS:
            raise ValueError(
                f"Reed-Solomon over GF(2^8) has at most {MAX_SYMBOLS} packets per block; k={self.k} would need "
                f"n={self.n}: use shorter blocks (fec_frames, a smaller GOP, larger packets), interleave: 2 or "
                "more, or a higher code rate"
            )

    def recovers(self, arrived: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Source packets known after repair, bool [k]: all where k of n arrived, else those that arrived."""
        if np.count_nonzero(arrived) >= self.k:
            return np.ones(self.k, dtype=bool)
        return arrived[: self.k].copy()

    def encode(self, source: list[bytes]) -> list[bytes]:
        """n symbols from k of equal length; the first k are the source itself.

        Raises:
            ValueError: not k symbols, or not of equal length.
        """
        check_source(source, self.k)
        return list(source) + _encoder(self.k, self.n).encode(source, list(range(self.k, self.n)))

    def decode(self, symbols: dict[int, bytes]) -> list[bytes | None]:
        """The k source symbols from those that arrived, by ESI; None where it is not recovered.

        Raises:
            ValueError: an ESI outside 0 to n-1, or symbols of unequal length.
        """
        check_symbols(list(symbols.values()), symbols, self.n)
        if len(symbols) < self.k or all(esi in symbols for esi in range(self.k)):
            return [symbols.get(esi) for esi in range(self.k)]
        used = sorted(symbols)[: self.k]
        return list(_decoder(self.k, self.n).decode([symbols[esi] for esi in used], used))


@lru_cache(maxsize=64)
def _encoder(k: int, n: int) -> zfec.Encoder:
    return zfec.Encoder(k, n)


@lru_cache(maxsize=64)
def _decoder(k: int, n: int) -> zfec.Decoder:
    return zfec.Decoder(k, n)
