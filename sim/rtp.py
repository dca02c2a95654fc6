"""RTP packets: the fixed header, parse and serialize, and sequence numbers that do not wrap (RFC 3550)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

RTP_VERSION = 2
RTP_HEADER_BYTES = 12
"""The fixed header, without CSRCs and extension."""
IP_UDP_HEADER_BYTES = 28
"""IPv4 without options (20) and UDP (8)."""

_FIXED = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")


class RtpError(ValueError):
    """Bytes that are not an RTP packet, or header fields out of range."""


@dataclass(frozen=True)
class RtpHeader:
    """An RTP header.

    Attributes:
        payload_type: 0 to 127.
        sequence_number: uint16; increases by one per packet and wraps.
        timestamp: uint32, in ticks of the media clock; wraps.
        ssrc: uint32; the synchronization source.
        marker: for video, set on the last packet of an access unit.
        csrc: at most 15 contributing sources, uint32 each.
        extension: None, or (profile, data) as they stand on the wire: profile uint16 (0xBEDE and 0x100*
            are RFC 8285's), data a whole number of 32-bit words, at most 65535 of them.
    Raises:
        RtpError: a field out of its range, naming it.
    Source: RFC 3550, Sections 5.1 and 5.3.1; RFC 8285.
    """

    payload_type: int
    sequence_number: int
    timestamp: int
    ssrc: int
    marker: bool = False
    csrc: tuple[int, ...] = ()
    extension: tuple[int, bytes] | None = None

    def __post_init__(self) -> None:
        _check("payload_type", self.payload_type, 7)
        _check("sequence_number", self.sequence_number, 16)
        _check("timestamp", self.timestamp, 32)
        _check("ssrc", self.ssrc, 32)
        if len(self.csrc) > 15:
            raise RtpError(f"csrc has {len(self.csrc)} entries; an RTP header holds at most 15")
        for source in self.csrc:
            _check("csrc", source, 32)
        if self.extension is not None:
            profile, data = self.extension
            _check("extension profile", profile, 16)
            if len(data) % 4 or len(data) > 4 * 0xFFFF:
                raise RtpError(f"extension of {len(data)} bytes; it must be 0 to 65535 words of 4 bytes")

    def serialize(self) -> bytes:
        """The header's bytes, 12 plus 4 per CSRC plus the extension; the payload follows them, unpadded."""
        has_extension = self.extension is not None
        first = RTP_VERSION << 6 | has_extension << 4 | len(self.csrc)
        second = bool(self.marker) << 7 | self.payload_type
        out = _FIXED.pack(first, second, self.sequence_number, self.timestamp, self.ssrc)
        if self.csrc:
            out += struct.pack(f"!{len(self.csrc)}I", *self.csrc)
        if self.extension is not None:
            profile, data = self.extension
            out += _EXTENSION.pack(profile, len(data) // 4) + data
        return out


def parse(data: bytes) -> tuple[RtpHeader, bytes]:
    """Parses an RTP packet.

    Args:
        data: one UDP payload, any bytes at all.
    Returns:
        The header, and the payload without padding (it may be empty).
    Raises:
        RtpError: shorter than its header, CSRC list or extension say; not version 2; or a padding length
            of 0 or beyond the payload. Nothing else, whatever the bytes.
    Source: RFC 3550, Section 5.1 and Appendix A.1.
    """
    if len(data) < RTP_HEADER_BYTES:
        raise RtpError(f"{len(data)} bytes; an RTP header has at least {RTP_HEADER_BYTES}")
    first, second, sequence_number, timestamp, ssrc = _FIXED.unpack_from(data)
    if first >> 6 != RTP_VERSION:
        raise RtpError(f"RTP version {first >> 6}; only version {RTP_VERSION} is known")
    end_of_csrc = RTP_HEADER_BYTES + 4 * (first & 0x0F)
    if len(data) < end_of_csrc:
        raise RtpError("the CSRC list is truncated")
    csrc = struct.unpack_from(f"!{first & 0x0F}I", data, RTP_HEADER_BYTES)
    extension, start = _parse_extension(data, end_of_csrc) if first & 0x10 else (None, end_of_csrc)
    end = len(data)
    if first & 0x20:
        padding = data[-1]
        if not 1 <= padding <= end - start:
            raise RtpError(f"padding of {padding} bytes in a payload of {end - start}")
        end -= padding
    header = RtpHeader(
        second & 0x7F, sequence_number, timestamp, ssrc, bool(second & 0x80), tuple(csrc), extension
    )
    return header, bytes(data[start:end])


def initial_sequence_number(ssrc: int) -> int:
    """Sequence number of a stream's first packet, uint16: random in RFC 3550, Section 5.1; here a hash of the SSRC.

    Equal input must give equal packets, so it is drawn from the SSRC alone.
    """
    return ssrc * 0x9E3779B1 >> 16 & 0xFFFF


def extend(sequence_number: int, reference: int) -> int:
    """The extended sequence number nearest to `reference`; undoes the wrap at 2**16.

    RFC 3550 counts the wraps of one source in order and puts new sources on probation; this is its
    arithmetic alone, which suits packets in any order. It may be negative where a packet precedes a
    reference near 0. Halfway round, the older number is taken.

    Args:
        sequence_number: uint16, from the header.
        reference: the extended number of a packet near this one, say the highest so far.
    Returns:
        e with e = sequence_number mod 2**16 and -2**15 <= e - reference < 2**15.
    Source: RFC 3550, Appendix A.1.
    """
    return reference + ((sequence_number - reference + 0x8000) & 0xFFFF) - 0x8000


def _parse_extension(data: bytes, start: int) -> tuple[tuple[int, bytes], int]:
    body = start + _EXTENSION.size
    if len(data) < body:
        raise RtpError("the header extension is truncated")
    profile, words = _EXTENSION.unpack_from(data, start)
    end = body + 4 * words
    if len(data) < end:
        raise RtpError("the header extension is truncated")
    return (profile, bytes(data[body:end])), end


def _check(name: str, value: int, bits: int) -> None:
    if not 0 <= value < 1 << bits:
        raise RtpError(f"{name} is {value}; it must be in 0 to {(1 << bits) - 1}")


def media_time_s(timestamp: int, first: int, clock_rate: int) -> float:
    """Media time of an RTP timestamp, in seconds from the timestamp `first`; right within 2^31 ticks of it."""
    return ((timestamp - first + 2**31) % 2**32 - 2**31) / clock_rate
