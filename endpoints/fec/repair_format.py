"""The interface between repair packets' payloads and what a receiver makes of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

from lossweep.endpoints.fec.block_code import BlockCode
from lossweep.endpoints.session import RtpStream

Timed = tuple[bytes, float]
"""A packet, and when it was there."""


class RepairPayload(Protocol):
    """A parsed payload.

    Attributes:
        base_sequence_number: uint16, of a source packet that the header names.
    """

    @property
    def base_sequence_number(self) -> int: ...


P = TypeVar("P", bound=RepairPayload)


@dataclass(frozen=True)
class Repair(Generic[P]):
    """A repair packet that arrived.

    Attributes:
        number: extended number of the source packet with the base sequence number, counted from the stream's first.
        payload: as it was parsed.
        arrived_s: when it arrived.
    """

    number: int
    payload: P
    arrived_s: float


class RepairFormat(ABC, Generic[P]):
    """The payload of repair packets: written from source packets, parsed, and used to rebuild source packets.

    Attributes:
        names_source: whether the RTP header of a repair packet has the source stream's SSRC in its CSRC list.
    """

    names_source: ClassVar[bool] = False

    @abstractmethod
    def payloads(self, source: Sequence[bytes], code: BlockCode, sbn: int) -> list[bytes]:
        """RTP payloads of a block's repair packets, by ESI.

        Args:
            source: k RTP packets with sequence numbers that follow each other.
            code: of the block.
            sbn: source block number, 0 or more.
        """

    @abstractmethod
    def parse(self, payload: bytes) -> P:
        """Parses the RTP payload of a repair packet.

        Raises:
            FecError: it is none. Nothing else, whatever the bytes.
        """

    @abstractmethod
    def rebuild(
        self,
        repair: Sequence[Repair[P]],
        source: Mapping[int, Timed],
        stream: RtpStream,
        make: Callable[[int, int | None], BlockCode],
    ) -> dict[int, Timed]:
        """The source packets that the code recovers, each at the first moment at which it can.

        A source packet that arrives after its own recovery counts as recovered.

        Args:
            repair: repair packets that arrived, in order of arrival.
            source: number -> source packet that arrived, and when.
            stream: of the source packets.
            make: the code's `make`.
        Returns:
            Number -> packet, and when it was rebuilt.
        """
