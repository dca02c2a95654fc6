"""The interface of a packet code for one block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray


class BlockCode(ABC):
    """A systematic packet code for one block: k source symbols become n encoding symbols.

    Meets `lossweep.sim.stream.PacketCode`, which knows of arrival patterns only, and has the bytes as well.

    Attributes:
        k: source symbols, >= 1.
        n: encoding symbols, >= k.
        mds: whether any k symbols of a block give it back, and fewer give only themselves.
    """

    k: int
    n: int
    mds: ClassVar[bool] = False

    @abstractmethod
    def recovers(self, arrived: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Source packets known after repair, bool [k], from what arrived, bool [n] by ESI."""

    @abstractmethod
    def encode(self, source: list[bytes]) -> list[bytes]:
        """n symbols from k of equal length; the first k are the source itself.

        Raises:
            ValueError: not k symbols, or not of equal length.
        """

    @abstractmethod
    def decode(self, symbols: dict[int, bytes]) -> list[bytes | None]:
        """The k source symbols from those that arrived, by ESI; None where it is not recovered.

        Raises:
            ValueError: an ESI outside 0 to n-1, or symbols of unequal length.
        """

    def depends_on(self, esi: int) -> Sequence[int]:
        """ESIs of the source symbols that repair symbol `esi` is made of: it can be sent when they are there."""
        return range(self.k)

    def sent_after(self, esi: int) -> int:
        """ESI of the source symbol after which repair symbol `esi` is sent."""
        return max(self.depends_on(esi))

    def played_with(self, esi: int) -> int:
        """ESI of the source symbol whose playout time repair symbol `esi` has: that of the first that it is made of.

        A code whose windows slide takes the last one: until then the repair symbol serves.
        """
        return min(self.depends_on(esi))


def check_symbols(symbols: Sequence[bytes], indices: Iterable[int] = (), n: int = 0) -> None:
    """Refuses symbols of unequal length, and indices outside 0 to n-1.

    Raises:
        ValueError: naming what is wrong.
    """
    lengths = {len(symbol) for symbol in symbols}
    if len(lengths) > 1:
        raise ValueError(
            f"symbols of {min(lengths)} to {max(lengths)} bytes; those of a block have one length"
        )
    for esi in indices:
        if not 0 <= esi < n:
            raise ValueError(f"encoding symbol ID {esi}; it must be in 0 to {n - 1}")


def check_source(source: Sequence[bytes], k: int) -> None:
    """Refuses what is not k symbols of one length.

    Raises:
        ValueError: naming what is wrong.
    """
    if len(source) != k:
        raise ValueError(f"{len(source)} source symbols; this code takes k={k}")
    check_symbols(source)
