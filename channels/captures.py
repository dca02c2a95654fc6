"""RTP streams in a capture."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.pcap import (
    LINK_ETHERNET,
    LINK_IPV4,
    LINK_NULL,
    LINK_RAW,
    LINK_SLL,
    LINK_SLL2,
    PCAP_MAGIC,
    PCAPNG_MAGIC,
    PcapError,
    read_frames,
)
from lossweep.channels.traces import TraceError, read_bytes

_IPV4, _IPV6, _VLANS = 0x0800, 0x86DD, (0x8100, 0x88A8)
_RTPDUMP = b"#!rtpplay1.0"


@dataclass(frozen=True)
class CapturedStream:
    """The RTP packets of one SSRC, in the order of capture. Arrays have shape [packets].

    Attributes:
        ssrc, payload_type: of its first packet.
        time_s: float64; time of capture.
        size_bytes: int64; UDP payload (RTP header and payload).
        sequence_number, timestamp: int64; as on the wire.
    """

    ssrc: int
    payload_type: int
    time_s: NDArray[np.float64]
    size_bytes: NDArray[np.int64]
    sequence_number: NDArray[np.int64]
    timestamp: NDArray[np.int64]


def is_capture(start: bytes) -> bool:
    """Whether a file that starts with these bytes is a capture (pcap, pcapng or rtpdump)."""
    return start[:4] in PCAP_MAGIC or start[:4] == PCAPNG_MAGIC or start.startswith(_RTPDUMP)


def read_rtp(file: str) -> list[CapturedStream]:
    """The RTP streams of a pcap, pcapng or rtpdump file, the longest first.

    UDP over IPv4 or IPv6, over Ethernet, loopback, Linux cooked or raw IP. A packet counts as RTP if it has version 2,
    12 bytes or more, and no RTCP packet type; a stream has two packets or more.

    Raises:
        TraceError: unreadable, no capture, or no RTP in it.
    """
    data = read_bytes(file)
    try:
        if data.startswith(_RTPDUMP):
            payloads = _rtpdump(data)
        else:
            frames = ((time_s, *_udp_payload(link, frame)) for time_s, link, frame in read_frames(data))
            payloads = [row for row in frames if row[2]]
    except (PcapError, struct.error) as error:
        raise TraceError(f"cannot read capture {file}: {error}") from None
    streams: dict[int, list[tuple[float, int, int, int, int]]] = {}
    for time_s, size, payload in payloads:
        if len(payload) >= 12 and payload[0] >> 6 == 2 and not 64 <= payload[1] & 0x7F < 96:
            kind, number, timestamp, ssrc = struct.unpack_from("!xBHII", payload)
            streams.setdefault(ssrc, []).append((time_s, size, number, timestamp, kind & 0x7F))
    found = [_stream(ssrc, rows) for ssrc, rows in streams.items() if len(rows) > 1]
    if not found:
        raise TraceError(f"capture {file} holds no RTP over UDP ({len(payloads)} UDP packets)")
    return sorted(found, key=lambda stream: -len(stream.time_s))


def only_stream(file: str, streams: list[CapturedStream], ssrc: int | None = None) -> CapturedStream:
    """The stream of an SSRC, or the only one.

    Raises:
        TraceError: several streams and no SSRC, or none of that SSRC; the message lists them.
    """
    if ssrc is None and len(streams) == 1:
        return streams[0]
    for stream in streams:
        if stream.ssrc == ssrc:
            return stream
    rows = ", ".join(
        f"{s.ssrc:#010x} ({len(s.time_s)} packets, payload type {s.payload_type})" for s in streams
    )
    raise TraceError(f"capture {file} holds {len(streams)} RTP streams; choose one by its SSRC: {rows}")


def _stream(ssrc: int, rows: list[tuple[float, int, int, int, int]]) -> CapturedStream:
    time_s, size, number, timestamp, kind = zip(*rows, strict=True)
    return CapturedStream(
        ssrc,
        kind[0],
        np.array(time_s),
        np.array(size, dtype=np.int64),
        np.array(number, dtype=np.int64),
        np.array(timestamp, dtype=np.int64),
    )


def _udp_payload(link: int, frame: bytes) -> tuple[int, bytes]:
    """Length of the UDP payload of a captured frame, and as much of it as was captured; empty if it is not UDP."""
    try:
        place, protocol = _network_layer(link, frame)
        if protocol == _IPV4:
            if (
                frame[place] >> 4 != 4
                or frame[place + 9] != 17
                or frame[place + 6] & 0x1F
                or frame[place + 7]
            ):
                return 0, b""
            place += 4 * (frame[place] & 0x0F)
        elif protocol == _IPV6:
            if frame[place] >> 4 != 6 or frame[place + 6] != 17:
                return 0, b""
            place += 40
        else:
            return 0, b""
        length = struct.unpack_from("!H", frame, place + 4)[0]
    except (IndexError, struct.error):
        return 0, b""
    return length - 8, frame[place + 8 : place + length]


def _network_layer(link: int, frame: bytes) -> tuple[int, int]:
    """Where the network layer starts, and its EtherType."""
    if link == LINK_ETHERNET:
        place = 12
        while struct.unpack_from("!H", frame, place)[0] in _VLANS:
            place += 4
        return place + 2, struct.unpack_from("!H", frame, place)[0]
    if link == LINK_SLL:
        return 16, struct.unpack_from("!H", frame, 14)[0]
    if link == LINK_SLL2:
        return 20, struct.unpack_from("!H", frame, 0)[0]
    place = {LINK_NULL: 4, LINK_RAW: 0, LINK_IPV4: 0}.get(link, len(frame))
    return place, {4: _IPV4, 6: _IPV6}.get(frame[place] >> 4, 0)


def _rtpdump(data: bytes) -> list[tuple[float, int, bytes]]:
    """The RTP packets of an rtpdump file: milliseconds since the start, packet length, and bytes (or the header)."""
    place = data.index(b"\n") + 1 if b"\n" in data else len(data)
    place += 16
    packets = []
    while place + 8 <= len(data):
        length, size, milliseconds = struct.unpack_from("!2HI", data, place)
        if length < 8 or place + length > len(data):
            break
        if size:  # 0 marks RTCP
            packets.append((milliseconds / 1000.0, size, data[place + 8 : place + length]))
        place += length
    return packets
