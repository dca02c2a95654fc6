"""The RTP streams of a call as both ends know them beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lossweep.sim.rtp import media_time_s

RTX_SSRC_OFFSET = 0x01000000
"""The retransmission stream of a stream has this much more as SSRC."""


@dataclass(frozen=True)
class Flow:
    """One RTP stream with its repair streams.

    Attributes:
        name: what it carries.
        ssrc, payload_type, clock_rate, first_sequence_number, first_timestamp: of the source packets.
        repair_ssrc: of its FEC stream; None where there is none.
        begins_key: whether a payload is the first of a key frame; None for streams whose packets all stand alone.
    Source: RFC 4588 (SSRC multiplexing).
    """

    name: str
    ssrc: int
    payload_type: int
    clock_rate: int
    first_sequence_number: int = 0
    first_timestamp: int = 0
    repair_ssrc: int | None = None
    begins_key: Callable[[bytes], bool] | None = None

    @property
    def rtx_ssrc(self) -> int:
        """SSRC of the retransmissions."""
        return rtx_ssrc(self.ssrc)

    @property
    def rtx_payload_type(self) -> int:
        """Payload type of the retransmissions (`apt` is the source's)."""
        return rtx_payload_type(self.payload_type)

    def media_time_s(self, timestamp: int) -> float:
        """Media time of an RTP timestamp, in seconds; right within 2^31 ticks of the start."""
        return media_time_s(timestamp, self.first_timestamp, self.clock_rate)


def rtx_ssrc(ssrc: int) -> int:
    """SSRC of the retransmission stream of a source stream."""
    return (ssrc + RTX_SSRC_OFFSET) % 2**32


def rtx_payload_type(payload_type: int) -> int:
    """Payload type of the retransmissions of a source stream with a dynamic payload type."""
    return 96 + (payload_type - 96 + 16) % 32
