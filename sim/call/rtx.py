"""Retransmission: a packet sent again in a stream of its own (RFC 4588)."""

from __future__ import annotations

import struct

from lossweep.sim.rtp import RtpError, RtpHeader, parse

_NUMBER = struct.Struct("!H")


def wrap(packet: bytes, ssrc: int, payload_type: int, sequence_number: int) -> bytes:
    """A retransmission of an RTP packet: its timestamp, marker and payload behind the original sequence number.

    Args:
        packet: RTP header and payload.
        ssrc, payload_type, sequence_number: of the retransmission stream.
    Source: RFC 4588, Section 4.
    """
    header, payload = parse(packet)
    again = RtpHeader(payload_type, sequence_number, header.timestamp, ssrc, header.marker)
    return again.serialize() + _NUMBER.pack(header.sequence_number) + payload


def unwrap(header: RtpHeader, payload: bytes, ssrc: int, payload_type: int) -> bytes:
    """The RTP packet in a retransmission, byte for byte as it was sent first (without a header extension).

    Args:
        header, payload: of the retransmission.
        ssrc, payload_type: of the source stream.
    Raises:
        RtpError: no original sequence number.
    """
    number = original_number(payload)
    original = RtpHeader(payload_type, number, header.timestamp, ssrc, header.marker)
    return original.serialize() + payload[_NUMBER.size :]


def original_number(payload: bytes) -> int:
    """The original sequence number (OSN) in a retransmission's payload, uint16.

    Raises:
        RtpError: shorter than that number.
    """
    if len(payload) < _NUMBER.size:
        raise RtpError(f"a retransmission of {len(payload)} bytes has no original sequence number")
    number: int = _NUMBER.unpack_from(payload)[0]
    return number
