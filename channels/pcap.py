"""Capture files: pcap and pcapng in, pcap out."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

LINK_ETHERNET, LINK_NULL, LINK_RAW, LINK_SLL, LINK_IPV4, LINK_SLL2 = 1, 0, 101, 113, 228, 276
PCAP_MAGIC = {
    b"\xd4\xc3\xb2\xa1": ("<", 1e-6),
    b"\xa1\xb2\xc3\xd4": (">", 1e-6),
    b"\x4d\x3c\xb2\xa1": ("<", 1e-9),
    b"\xa1\xb2\x3c\x4d": (">", 1e-9),
}
PCAPNG_MAGIC = b"\x0a\x0d\x0d\x0a"
_INTERFACE, _SIMPLE, _ENHANCED = 1, 3, 6


class PcapError(ValueError):
    """Bytes that are no capture file."""


def read_frames(data: bytes) -> Iterator[tuple[float, int, bytes]]:
    """The captured frames of a pcap or pcapng file: time in seconds, link type, bytes (as far as captured).

    A file that ends inside a record gives the records before it, as a capture that was interrupted does.

    Raises:
        PcapError: neither pcap nor pcapng, or a block that cannot be.
    """
    if data[:4] in PCAP_MAGIC:
        return _pcap(data)
    if data[:4] == PCAPNG_MAGIC:
        return _pcapng(data)
    raise PcapError("it is neither pcap nor pcapng")


def _pcap(data: bytes) -> Iterator[tuple[float, int, bytes]]:
    order, unit_s = PCAP_MAGIC[data[:4]]
    if len(data) < 24:
        raise PcapError("its file header is cut short")
    link = struct.unpack_from(order + "I", data, 20)[0] & 0x0FFFFFFF
    record = struct.Struct(order + "4I")
    place = 24
    while place + record.size <= len(data):
        seconds, fraction, captured, _ = record.unpack_from(data, place)
        place += record.size
        if place + captured > len(data):
            return
        yield seconds + fraction * unit_s, link, data[place : place + captured]
        place += captured


def _pcapng(data: bytes) -> Iterator[tuple[float, int, bytes]]:
    order, place = "<", 0
    links: list[tuple[int, float]] = []
    while place + 12 <= len(data):
        if data[place : place + 4] == PCAPNG_MAGIC:
            order = "<" if data[place + 8 : place + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            links = []
        kind, length = struct.unpack_from(order + "2I", data, place)
        if length < 12 or length % 4:
            raise PcapError(f"it has a block of {length} bytes")
        if place + length > len(data):
            return
        body = data[place + 8 : place + length - 4]
        if kind == _INTERFACE and len(body) >= 8:
            links.append((struct.unpack_from(order + "H", body)[0], _resolution(body[8:], order)))
        elif kind == _ENHANCED and len(body) >= 20:
            interface, high, low, captured = struct.unpack_from(order + "4I", body)
            if interface >= len(links) or captured > len(body) - 20:
                raise PcapError("it has a packet of an interface that it does not describe")
            link, unit_s = links[interface]
            yield ((high << 32) + low) * unit_s, link, body[20 : 20 + captured]
        elif kind == _SIMPLE:
            raise PcapError("its packets have no times (simple packet blocks)")
        place += length


def _resolution(options: bytes, order: str) -> float:
    place = 0
    while place + 4 <= len(options):
        code, length = struct.unpack_from(order + "2H", options, place)
        if code == 0:
            break
        if code == 9 and length >= 1 and place + 4 < len(options):
            value = options[place + 4]
            return float(2.0 ** -(value & 0x7F)) if value & 0x80 else float(10.0**-value)
        place += 4 + (length + 3) // 4 * 4
    return 1e-6


def write_pcap(path: Path, packets: Iterable[tuple[float, bytes]]) -> None:
    """Writes IP packets as a pcap file with times in nanoseconds (link type raw IP).

    Args:
        packets: time in seconds, >= 0, and bytes from the IP header on.
    """
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, LINK_RAW))
        for time_s, data in packets:
            nanoseconds = round(time_s * 1e9)
            header = (nanoseconds // 10**9, nanoseconds % 10**9, len(data), len(data))
            file.write(struct.pack("<4I", *header) + data)


def udp_packet(payload: bytes, port: int, identification: int) -> bytes:
    """An IPv4/UDP packet on loopback, from `port` to `port`, with its checksums (RFC 791, RFC 768)."""
    address = bytes([127, 0, 0, 1])
    length = 8 + len(payload)
    udp = struct.pack("!4H", port, port, length, 0) + payload
    pseudo = address * 2 + struct.pack("!BBH", 0, 17, length)
    udp = udp[:6] + struct.pack("!H", _checksum(pseudo + udp) or 0xFFFF) + udp[8:]
    ip = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + length, identification % 65536, 0, 64, 17, 0, address, address
    )
    return ip[:10] + struct.pack("!H", _checksum(ip)) + ip[12:] + udp


def _checksum(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
