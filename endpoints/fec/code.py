"""Packet codes that a scenario may name, and their interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.parameters import check_fields
from lossweep.channels.registry import Registry
from lossweep.endpoints.session import FecParameters

CODES = Registry(
    "code",
    "lossweep.codes",
    {
        "none": "lossweep.endpoints.fec.none:NoCode",
        "rs": "lossweep.endpoints.fec.reed_solomon:ReedSolomon",
        "repetition": "lossweep.endpoints.fec.repetition:Repetition",
    },
)


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


class CodeFamily(ABC):
    """A packet code as a scenario names it: blocks of any size at one code rate.

    Its parameters are dataclass fields (numbers or text), so that a session can name them.

    Attributes:
        name: as registered.
        title: for people: "RS"; "" where nothing is added.
        code_rate: k/n, in (0, 1].
        label: identifier in tables.
        protects: "packets", or "face" for codes of face coefficients.
    """

    name: str
    title: ClassVar[str]
    code_rate: float
    protects: ClassVar[str] = "packets"

    @property
    def label(self) -> str:
        """Identifier in tables: `rs-0.5`."""
        return f"{self.name}-{self.code_rate:g}"

    @classmethod
    def from_params(cls, **params: Any) -> Self:
        """The family from a scenario's parameters: its dataclass fields.

        Raises:
            ValueError: one line; a parameter is unknown, missing or out of its range.
        """
        check_fields(f"code {cls.name}", cls, params)
        return cls(**params)

    @abstractmethod
    def make(self, k: int, n: int | None = None) -> BlockCode:
        """The code for a block of k source packets; n follows from the code rate unless it is given.

        Raises:
            ValueError: there is no such code; naming k and n, and what to change.
        """

    def make_object(self, k: int) -> BlockCode:
        """The code for an object cut into k symbols (packetization `object`)."""
        return self.make(k)

    def parameters(self) -> FecParameters:
        """Name and parameters for a session."""
        options = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        return FecParameters(self.name, tuple(options.items()))


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
