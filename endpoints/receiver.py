"""The receiving end of RTP: from the packets that arrived to those that are there when they are played.

Headers are parsed, sequence numbers extended, streams separated by SSRC and payload type, duplicates and packets of
other streams dropped, lost source packets rebuilt from the bytes of repair packets, and late packets left out.
Nothing but packets and the session goes in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lossweep.endpoints.fec.adu import FecError
from lossweep.endpoints.fec.code import family_of
from lossweep.endpoints.fec.repair_format import Repair
from lossweep.endpoints.session import RtpStream
from lossweep.sim.call.flow import rtx_payload_type, rtx_ssrc
from lossweep.sim.call.rtx import unwrap
from lossweep.sim.delivery import Arrival
from lossweep.sim.jitter_buffer import CLOCK_RESOLUTION_S, Playout
from lossweep.sim.rtp import RtpError, RtpHeader, extend, parse

MAX_DROPOUT = 3000
"""Missing sequence numbers after which a jump is believed only when a second packet confirms it (RFC 3550, A.1)."""
MAX_AHEAD_S = 1.0
"""A packet whose media time is later than its arrival by more than this is damaged."""


@dataclass(frozen=True, slots=True)
class ReceivedPacket:
    """A source packet that is there in time: as it arrived, or as FEC rebuilt it from packets that arrived.

    Attributes:
        stream: name of its RTP stream.
        number: extended sequence number, counted from the stream's first packet, >= 0.
        timestamp: uint32, RTP timestamp.
        media_time_s: of that timestamp.
        marker: the RTP marker bit.
        payload: RTP payload.
        early_s: how long before its playout time it was there; negative where it came too late to be played and
            only serves as a reference.
        rebuilt: it did not arrive in time itself.
    """

    stream: str
    number: int
    timestamp: int
    media_time_s: float
    marker: bool
    payload: bytes
    early_s: float
    rebuilt: bool = False


@dataclass
class _Packet:
    data: bytes
    header: RtpHeader
    payload: bytes
    available_s: float
    rebuilt: bool = False


@dataclass
class _Reception:
    """What arrived of one RTP stream."""

    stream: RtpStream
    highest: int = 0
    suspect: int | None = None
    packets: dict[int, _Packet] = field(default_factory=dict)
    repair: list[Repair[Any]] = field(default_factory=list)

    def number(self, sequence_number: int) -> int:
        """Packets since the stream's first one, from a sequence number of 16 bits."""
        first = self.stream.first_sequence_number
        return extend(sequence_number, first + self.highest) - first

    def take_source(self, arrival: Arrival, header: RtpHeader, payload: bytes) -> None:
        """Notes a source packet; not one twice, nor one far ahead in number or in media time."""
        number = self.number(header.sequence_number)
        if number < 0 or number in self.packets:
            return
        if number > self.highest + MAX_DROPOUT and number != self.suspect:
            self.suspect = number + 1
            return
        if self.stream.media_time_s(header.timestamp) > arrival.arrived_s + MAX_AHEAD_S:
            return
        self.suspect = None
        self.highest = max(self.highest, number)
        self.packets[number] = _Packet(arrival.data, header, payload, arrival.arrived_s)

    def take_repair(self, arrival: Arrival, payload: bytes) -> None:
        """Notes a repair packet; not one that is malformed."""
        if self.stream.repair is None:
            return
        try:
            parsed = family_of(self.stream.repair.fec).repair_format.parse(payload)
        except FecError:
            return
        number = self.number(parsed.base_sequence_number)
        if number >= 0:
            self.repair.append(Repair(number, parsed, arrival.arrived_s))

    def rebuild_missing(self) -> None:
        """Adds the source packets that repair packets give back."""
        if self.stream.repair is None or not self.repair:
            return
        family = family_of(self.stream.repair.fec)
        source = {number: (packet.data, packet.available_s) for number, packet in self.packets.items()}
        rebuilt = family.repair_format.rebuild(self.repair, source, self.stream, family.make)
        for number, (data, available_s) in rebuilt.items():
            self._take_rebuilt(number, data, available_s)

    def _take_rebuilt(self, number: int, data: bytes, available_s: float) -> None:
        try:
            header, payload = parse(data)
        except RtpError:
            return
        if self.stream.media_time_s(header.timestamp) > available_s + MAX_AHEAD_S:
            return
        expected = (number + self.stream.first_sequence_number) % 2**16
        if (header.ssrc, header.payload_type, header.sequence_number) == (
            self.stream.ssrc,
            self.stream.payload_type,
            expected,
        ):
            held = self.packets.get(number)
            if held is None or available_s < held.available_s:
                self.packets[number] = _Packet(data, header, payload, available_s, rebuilt=True)


def receive(
    arrivals: Sequence[Arrival],
    streams: Sequence[RtpStream],
    playout: float | Playout,
    retransmission: bool = False,
    late_s: float = 0.0,
) -> list[ReceivedPacket]:
    """The source packets that are there when they are played.

    A packet is rebuilt at the first moment at which its block's code can, from all that had arrived by then;
    packets too late to be played still count for that. Bytes that are no packet of these streams are dropped.

    Args:
        arrivals: in order of arrival; any bytes.
        streams: of the session.
        playout: the wait between capture and playout, in seconds, one for all or by media time.
        retransmission: whether each stream has a retransmission stream (RFC 4588).
        late_s: packets that are at most this late are returned as well, with a negative `early_s`.
    Returns:
        Stream by stream, in order of number.
    """
    if not isinstance(playout, Playout):
        playout = Playout.fixed(playout)
    receptions = [_Reception(stream) for stream in streams]
    source = {(r.stream.ssrc, r.stream.payload_type): r for r in receptions}
    repair = {
        (r.stream.repair.ssrc, r.stream.repair.payload_type): r
        for r in receptions
        if r.stream.repair is not None
    }
    again = {
        (rtx_ssrc(r.stream.ssrc), rtx_payload_type(r.stream.payload_type)): r
        for r in receptions
        if retransmission
    }
    for arrival in arrivals:
        try:
            header, payload = parse(arrival.data)
            key = (header.ssrc, header.payload_type)
            if key in again:
                stream = again[key].stream
                arrival = Arrival(
                    unwrap(header, payload, stream.ssrc, stream.payload_type), arrival.arrived_s
                )
                header, payload = parse(arrival.data)
                key = (header.ssrc, header.payload_type)
        except RtpError:
            continue
        if key in source:
            source[key].take_source(arrival, header, payload)
        elif key in repair:
            repair[key].take_repair(arrival, payload)
    out = []
    for reception in receptions:
        reception.rebuild_missing()
        out += _in_time(reception, playout, late_s)
    return out


def _in_time(reception: _Reception, playout: Playout, late_s: float) -> list[ReceivedPacket]:
    stream, out = reception.stream, []
    for number, packet in sorted(reception.packets.items()):
        media_time_s = stream.media_time_s(packet.header.timestamp)
        early_s = media_time_s + float(playout.at(media_time_s)) - packet.available_s
        if early_s >= -late_s - CLOCK_RESOLUTION_S:
            header = packet.header
            out.append(
                ReceivedPacket(
                    stream.name,
                    number,
                    header.timestamp,
                    media_time_s,
                    header.marker,
                    packet.payload,
                    max(early_s, 0.0) if early_s >= -CLOCK_RESOLUTION_S else early_s,
                    packet.rebuilt,
                )
            )
    return out
