"""What a receiver knows before the first packet: what SDP, RTSP's RTP-Info and shared references carry.

Sessions are frozen dataclasses of plain values (numbers, text, bytes, tuples), so that they can be written as JSON
and read in another process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

from pydantic import ConfigDict, TypeAdapter

from lossweep.sim.rtp import media_time_s

SESSION_CONFIG = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")
"""For `__pydantic_config__` of a session with bytes in it."""

T = TypeVar("T")


@dataclass(frozen=True)
class FecParameters:
    """A packet code as session description names it.

    Attributes:
        code: its registered name.
        options: its parameters, such as (("code_rate", 0.5),).
    """

    code: str
    options: tuple[tuple[str, float | int | str], ...] = ()


@dataclass(frozen=True)
class RepairStream:
    """The RTP stream of the repair packets of a source stream.

    Attributes:
        ssrc: uint32.
        payload_type: 0 to 127.
        fec: the code that made them.
    Source: RFC 6865, RFC 6364 (repair flows in SDP).
    """

    ssrc: int
    payload_type: int
    fec: FecParameters


@dataclass(frozen=True)
class RtpStream:
    """One RTP stream as a receiver knows it beforehand.

    Attributes:
        name: what it carries: "video", "speech" or "words".
        ssrc: uint32.
        payload_type: 0 to 127.
        clock_rate: ticks per second of the RTP timestamp.
        first_sequence_number: uint16; of the first packet.
        first_timestamp: uint32; the RTP timestamp of media time 0, the start of the clip.
        repair: its repair stream, where there is one.
    Source: SDP (RFC 8866, 8285); `seq` and `rtptime` of RTSP's RTP-Info (RFC 7826, Section 18.45).
    """

    name: str
    ssrc: int
    payload_type: int
    clock_rate: int
    first_sequence_number: int = 0
    first_timestamp: int = 0
    repair: RepairStream | None = None

    def media_time_s(self, timestamp: int) -> float:
        """Media time of an RTP timestamp, in seconds; right within 2^31 ticks of the start."""
        return media_time_s(timestamp, self.first_timestamp, self.clock_rate)

    def timestamp(self, media_time_s: float) -> int:
        """RTP timestamp, uint32, of a media time in seconds."""
        return (self.first_timestamp + round(media_time_s * self.clock_rate)) % 2**32


class Session(Protocol):
    """What every session has: the RTP streams to be received."""

    @property
    def streams(self) -> tuple[RtpStream, ...]:
        """In no particular order; SSRC and payload type tell them apart."""
        ...


def to_json(session: object) -> str:
    """A session as JSON text."""
    text: bytes = TypeAdapter(type(session)).dump_json(session)
    return text.decode()


def from_json(text: str, kind: type[T]) -> T:
    """The session of type `kind` that `to_json` wrote.

    Raises:
        ValueError: the text is no such session.
    """
    return TypeAdapter(kind).validate_json(text)
