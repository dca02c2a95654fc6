"""Picture loss indication: the receiver asks for a key frame (RFC 4585, Section 6.3.1)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lossweep.sim.rtcp.packet import PAYLOAD_FEEDBACK, RtcpPacket, serialize
from lossweep.sim.rtp import RtpError

FORMAT = 1
_SOURCES = struct.Struct("!II")


@dataclass(frozen=True)
class PictureLoss:
    """A PLI message; both SSRCs are uint32."""

    sender_ssrc: int
    media_ssrc: int

    def serialize(self) -> bytes:
        """The 12 bytes of the RTCP packet."""
        return serialize(PAYLOAD_FEEDBACK, FORMAT, _SOURCES.pack(self.sender_ssrc, self.media_ssrc))

    @classmethod
    def parse(cls, packet: RtcpPacket) -> PictureLoss:
        """Reads the message.

        Raises:
            RtpError: not a PLI, or of another length. Nothing else, whatever the bytes.
        """
        if (packet.packet_type, packet.count) != (PAYLOAD_FEEDBACK, FORMAT):
            raise RtpError(f"RTCP type {packet.packet_type}, format {packet.count}: no PLI")
        if len(packet.body) != _SOURCES.size:
            raise RtpError(f"a PLI of {len(packet.body)} bytes; it has {_SOURCES.size} after its header")
        return cls(*_SOURCES.unpack(packet.body))
