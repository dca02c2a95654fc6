"""The interface of congestion controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol


@dataclass(frozen=True)
class Acknowledged:
    """What feedback says of one packet.

    Attributes:
        sent_s: sender's clock.
        arrived_s: receiver's clock; None where the packet was lost.
        size_bytes: with IP, UDP and RTP headers.
    """

    sent_s: float
    arrived_s: float | None
    size_bytes: int


class RateControl(Protocol):
    """Turns feedback into a rate for the encoder and all that comes with it.

    Attributes:
        name: as a scenario names it.
    """

    name: ClassVar[str]

    @property
    def rate_bps(self) -> float:
        """The rate on the wire that the path is thought to carry, bits per second."""
        ...

    def feedback(self, packets: Sequence[Acknowledged], now: float) -> None:
        """Takes the packets of one feedback message, in order of sending, when it comes."""
        ...

    def round_trip(self, rtt_s: float) -> None:
        """Takes a new round trip."""
        ...
