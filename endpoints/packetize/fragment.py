"""NAL units in RTP payloads: small ones aggregated, large ones fragmented."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

from lossweep.endpoints.packetize.access_unit import PayloadError

MIN_PAYLOAD_SIZE = 16
MAX_PAYLOAD_SIZE = 0xFFFF
_LENGTH_BYTES = 2


def check_max_payload_size(max_payload_size: int) -> None:
    """Raises PayloadError unless `max_payload_size`, in bytes, is in 16 to 65535."""
    if not MIN_PAYLOAD_SIZE <= max_payload_size <= MAX_PAYLOAD_SIZE:
        raise PayloadError(
            f"max_payload_size is {max_payload_size} bytes; "
            f"it must be in {MIN_PAYLOAD_SIZE} to {MAX_PAYLOAD_SIZE}"
        )


def cut(
    nal_units: Iterable[bytes],
    max_payload_size: int,
    header_bytes: int,
    aggregate: Callable[[list[bytes]], bytes],
    fragment: Callable[[bytes, int], list[bytes]],
) -> list[bytes]:
    """RTP payloads of NAL units: neighbours aggregated where they fit, one that fits alone as it is, others cut.

    Args:
        nal_units: in decoding order, which is kept.
        max_payload_size: bytes of an RTP payload.
        header_bytes: payload header of the aggregation packet.
        aggregate: the aggregation packet of some NAL units.
        fragment: the fragments of a NAL unit, each of at most so many bytes.
    """
    payloads = []
    for group in _group_small(nal_units, max_payload_size, header_bytes):
        if len(group) > 1:
            payloads.append(aggregate(group))
        elif len(group[0]) <= max_payload_size:
            payloads.append(group[0])
        else:
            payloads += fragment(group[0], max_payload_size)
    return payloads


def _group_small(nal_units: Iterable[bytes], max_payload_size: int, header_bytes: int) -> list[list[bytes]]:
    """Neighbouring NAL units that fit into one aggregation packet; the rest in groups of one.

    Args:
        nal_units: in decoding order, which is kept.
        max_payload_size: bytes of an RTP payload.
        header_bytes: payload header of the aggregation packet; 2 length bytes per NAL unit are added.
    """
    groups: list[list[bytes]] = []
    room = 0
    for nal_unit in nal_units:
        cost = _LENGTH_BYTES + len(nal_unit)
        if cost <= room:
            groups[-1].append(nal_unit)
        else:
            groups.append([nal_unit])
            room = max_payload_size - header_bytes
        room -= cost
    return groups


def prefix_lengths(nal_units: Iterable[bytes]) -> bytes:
    """Aggregation units: each NAL unit behind its length, uint16."""
    return b"".join(len(n).to_bytes(_LENGTH_BYTES, "big") + n for n in nal_units)


def split_prefixed(data: bytes) -> list[bytes]:
    """The NAL units behind their uint16 lengths.

    Raises:
        PayloadError: none at all, an empty one, or one that is longer than what is there.
    """
    nal_units = []
    at = 0
    while at < len(data):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        if at == start or at > len(data):
            raise PayloadError("an aggregation unit is empty or truncated")
        nal_units.append(data[start:at])
    if not nal_units:
        raise PayloadError("an aggregation packet without aggregation units")
    return nal_units


def even_parts(data: bytes, max_size: int) -> list[bytes]:
    """As few parts of at most `max_size` bytes as possible, with sizes that differ by at most one byte.

    Even parts keep the longest packet of a block short, and that is the length of its repair packets.
    """
    count = -(-len(data) // max_size)
    bounds = [len(data) * i // count for i in range(count + 1)]
    return [data[start:end] for start, end in pairwise(bounds)]
