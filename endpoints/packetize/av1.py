"""AV1 over RTP: OBU elements after an aggregation header (AV1 RTP payload specification, version 1.0)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from lossweep.endpoints.packetize import obu
from lossweep.endpoints.packetize.access_unit import (
    AccessUnit,
    PayloadError,
    Piece,
    Unit,
    assemble,
    status_of,
)
from lossweep.endpoints.packetize.fragment import MIN_PAYLOAD_SIZE, check_max_payload_size

_Z, _Y, _N = 0x80, 0x40, 0x08
_W_SHIFT, _W_MAX = 4, 3
_NOT_SENT = (obu.TEMPORAL_DELIMITER, obu.TILE_LIST)
_TEMPORAL_DELIMITER = obu.join_obus([bytes([obu.TEMPORAL_DELIMITER << 3])])


@dataclass
class _Packet:
    """The OBU elements of one RTP payload; `continues` is Z, `continued` is Y."""

    continues: bool = False
    continued: bool = False
    layer: int | None = None
    elements: list[bytes] = field(default_factory=list)

    def room(self, max_payload_size: int) -> int:
        """Bytes that one more element may have."""
        room = max_payload_size - 1 - len(_prefixed(self.elements))
        return room if len(self.elements) < _W_MAX else room - len(obu.write_leb128(max(room, 0)))

    def serialize(self, new_sequence: bool) -> bytes:
        """The payload; W counts up to 3 elements, of which the last has no length, and is 0 for more."""
        count = len(self.elements) if len(self.elements) <= _W_MAX else 0
        header = self.continues * _Z | self.continued * _Y | count << _W_SHIFT | new_sequence * _N
        if not count:
            return bytes([header]) + _prefixed(self.elements)
        return bytes([header]) + _prefixed(self.elements[:-1]) + self.elements[-1]


def packetize(
    temporal_unit: bytes, max_payload_size: int, *, new_sequence: bool | None = None
) -> list[bytes]:
    """RTP payloads of one temporal unit; the last one's RTP packet carries the marker bit.

    Size fields are taken out of the OBUs, temporal delimiters and tile lists are left out. Payloads are
    filled one after the other, OBUs being cut where one ends, but only up to the smallest size that needs
    no more payloads than `max_payload_size` does: so their sizes are even. A change of layer (temporal_id,
    spatial_id) begins a new payload.

    Args:
        temporal_unit: low-overhead bitstream.
        max_payload_size: bytes, 16 to 65535; no payload is larger.
        new_sequence: the temporal unit is the first of a coded video sequence, which sets N on the first
            payload. None: it is where it holds a sequence header, which encoders send with key frames.
    Raises:
        PayloadError: not such a bitstream, nothing in it to be sent, or such a size.
    Source: AV1 RTP payload specification, Sections 4.2 to 4.5 and 5.
    """
    check_max_payload_size(max_payload_size)
    obus = [o for o in obu.split_obus(temporal_unit) if obu.obu_type(o) not in _NOT_SENT]
    if not obus:
        raise PayloadError("no OBU to be sent in the temporal unit")
    if new_sequence is None:
        new_sequence = any(obu.obu_type(o) == obu.SEQUENCE_HEADER for o in obus)
    count = len(_fill(obus, max_payload_size))
    sizes = range(MIN_PAYLOAD_SIZE, max_payload_size)
    even_size = MIN_PAYLOAD_SIZE + bisect_left(sizes, True, key=lambda size: len(_fill(obus, size)) <= count)
    return [p.serialize(new_sequence and i == 0) for i, p in enumerate(_fill(obus, even_size))]


def depacketize(payloads: Sequence[bytes | None]) -> AccessUnit:
    """The received part of one temporal unit. `depacketize(packetize(t, size)).data` is t in canonical form.

    Canonical: first a temporal delimiter, which RTP does not carry; then each OBU with a size field of
    minimal length. A truncated OBU has the size of its received part in `data`, so that the OBUs after it
    can be parsed; it is not counted in `intact_bytes`.

    Args:
        payloads: the temporal unit's RTP payloads in order, None for each missing one (one None may
            stand for neighbouring ones).
    Returns:
        The temporal unit; `data` is a low-overhead bitstream.
    Raises:
        PayloadError: malformed payloads; nothing else, whatever the bytes.
    Source: AV1 RTP payload specification, Sections 4.4, 4.5 and 5.
    """
    found, before_gap = assemble([None if p is None else _pieces(p) for p in payloads])
    units = []
    intact = [_TEMPORAL_DELIMITER]
    for i, (data, complete) in enumerate(found):
        unit = obu.without_size(data) if complete else obu.leading_part(data)
        if not unit or obu.obu_type(unit) in _NOT_SENT:
            continue
        units.append(Unit(obu.obu_type(unit), unit, complete))
        if complete and i < before_gap:
            intact.append(obu.join_obus([unit]))
    status = status_of(payloads, units)
    if status == "missing":
        return AccessUnit(status, b"", (), 0)
    stream = _TEMPORAL_DELIMITER + obu.join_obus(u.data for u in units)
    return AccessUnit(status, stream, tuple(units), len(b"".join(intact)))


def begins_sequence(payload: bytes) -> bool:
    """Whether a payload is the first of a coded video sequence (N of the aggregation header).

    Raises:
        PayloadError: an empty payload.
    """
    if not payload:
        raise PayloadError("an empty AV1 payload")
    return bool(payload[0] & _N)


def is_key(unit: AccessUnit) -> bool:
    """Whether a temporal unit begins a coded video sequence: it has a sequence header."""
    return any(one.type == obu.SEQUENCE_HEADER for one in unit.units)


def _fill(obus: list[bytes], max_payload_size: int) -> list[_Packet]:
    packets = [_Packet()]
    for unit in obus:
        layer = obu.layer(unit)
        at = 0
        while at < len(unit):
            packet = packets[-1]
            room = packet.room(max_payload_size)
            other_layer = None not in (layer, packet.layer) and layer != packet.layer
            if room < 1 or packet.continued or other_layer:
                packets.append(_Packet(continues=at > 0))
                continue
            packet.elements.append(unit[at : at + room])
            packet.layer = packet.layer if layer is None else layer
            at += room
            packet.continued = at < len(unit)
    return packets


def _prefixed(elements: list[bytes]) -> bytes:
    return b"".join(obu.write_leb128(len(e)) + e for e in elements)


def _pieces(payload: bytes) -> list[Piece]:
    if not payload:
        raise PayloadError("an empty AV1 payload")
    header = payload[0]
    if header & _N and header & _Z:
        raise PayloadError("an AV1 payload that begins a coded video sequence and continues an OBU")
    elements = _elements(payload, header >> _W_SHIFT & _W_MAX)
    last = len(elements) - 1
    return [
        Piece(e, begins=not (i == 0 and header & _Z), ends=not (i == last and header & _Y))
        for i, e in enumerate(elements)
    ]


def _elements(payload: bytes, count: int) -> list[bytes]:
    elements = []
    at = 1
    while at < len(payload):
        end = len(payload)
        if len(elements) + 1 != count:
            size, at = obu.read_leb128(payload, at)
            end = at + size
        if end == at or end > len(payload):
            raise PayloadError("an OBU element is empty or truncated")
        elements.append(payload[at:end])
        at = end
    if not elements or len(elements) < count:
        raise PayloadError("an AV1 payload with fewer OBU elements than it says")
    return elements
