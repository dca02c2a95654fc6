"""The receiving end of a call: parses what arrives, repairs it, and answers with RTCP."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lossweep.channels.packets import Packet
from lossweep.sim.call.flow import Flow
from lossweep.sim.call.key_requests import KeyRequests
from lossweep.sim.call.mechanisms import Mechanisms
from lossweep.sim.call.nack import DEFAULT_RTT_S, NackRequester
from lossweep.sim.call.reception import Reception
from lossweep.sim.call.record import MediaPacket, Transmissions
from lossweep.sim.call.rtx import original_number
from lossweep.sim.call.transport_numbers import ArrivalTimes, number_of
from lossweep.sim.clock import NetworkClock
from lossweep.sim.delivery import flip
from lossweep.sim.rtcp.nack import Nack
from lossweep.sim.rtcp.packet import EXTENDED_REPORT, SENDER_REPORT, split
from lossweep.sim.rtcp.pli import PictureLoss
from lossweep.sim.rtcp.report import ReceiverReport, ntp
from lossweep.sim.rtcp.xr import ExtendedReport
from lossweep.sim.rtp import RtpError, RtpHeader, extend, parse
from lossweep.sim.sender_report import SenderReport

SSRC = 0x10550001
"""Of the receiver, which sends RTCP only."""
WITHOUT_REPORT_S = 0.2
"""A receiver without a sender report begins to report so long after the first packet."""


@dataclass
class _State:
    """One stream at the receiver."""

    flow: Flow
    reception: Reception
    nack: NackRequester | None
    keys: KeyRequests | None
    highest: int = 0

    def number(self, sequence_number: int) -> int:
        first = self.flow.first_sequence_number
        return extend(sequence_number, first + self.highest) - first


@dataclass
class ReceiverCounts:
    """Messages sent and packets received, by their names in W3C webrtc-stats."""

    nack_count: int = 0
    pli_count: int = 0
    retransmitted_packets_received: int = 0
    fec_packets_received: int = 0


class CallReceiver:
    """Takes datagrams of the forward path and sends RTCP on the reverse path.

    Gaps are looked at after FEC: a packet that FEC gives back is not requested.

    Args:
        clock: simulated time.
        flows: streams of the session.
        mechanisms: which of them are in use.
        log: of the forward path; it has the bytes of each datagram.
        send: takes an RTCP packet and the time; None where there is no reverse path.
        until_s: no timer is set after this.
    """

    def __init__(
        self,
        clock: NetworkClock,
        flows: Sequence[Flow],
        mechanisms: Mechanisms,
        log: Transmissions,
        send: Callable[[bytes, float], None] | None,
        until_s: float,
    ) -> None:
        self._clock, self._mechanisms, self._log, self._until_s = clock, mechanisms, log, until_s
        self._send = send
        self._states = [_state(flow, mechanisms) for flow in flows]
        self._source = {(s.flow.ssrc, s.flow.payload_type): s for s in self._states}
        self._rtx = {(s.flow.rtx_ssrc, s.flow.rtx_payload_type): s for s in self._states}
        self._of_repair = {s.flow.repair_ssrc: s for s in self._states if s.flow.repair_ssrc is not None}
        self._by_ssrc = {s.flow.ssrc: s for s in self._states}
        self._times = ArrivalTimes(SSRC) if mechanisms.transport_feedback_s is not None else None
        self._started = False
        self._first_s = math.inf
        self._wake_s = math.inf
        self.rtt_s: float | None = None
        self.counts = ReceiverCounts()

    def receive(self, packet: Packet, now: float) -> None:
        """Takes one datagram that came out of the path."""
        if packet.index < 0:
            return
        data = flip(self._log.data[packet.index], packet.flipped_bit)
        try:
            if len(data) > 1 and 192 <= data[1] <= 223:
                self._control(data, now)
                return
            header, payload = parse(data)
        except RtpError:
            return
        if self._times is not None and (number := number_of(header)) is not None:
            self._times.arrive(number, now)
        carried = self._log.packet[packet.index]
        key = (header.ssrc, header.payload_type)
        if key in self._source:
            self._itself(self._source[key], header, payload, carried, now)
        elif key in self._rtx:
            self._again(self._rtx[key], header, payload, carried, now)
        elif header.ssrc in self._of_repair and carried is not None:
            self.counts.fec_packets_received += 1
            state = self._of_repair[header.ssrc]
            if carried.arrived_s == math.inf:
                carried.arrived_s = now
                self._repair(state, carried, now)
        else:
            return
        self._log.arrive(packet.index, now)
        self._first_s = min(self._first_s, now)
        if now - self._first_s >= WITHOUT_REPORT_S:
            self._start(now)
        self._answer(now)

    def _start(self, now: float) -> None:
        """Begins to report: when the first sender report is there, so that both ends know the round trip soon."""
        if self._started or self._send is None:
            return
        self._started = True
        self._report(None, now)
        if self._times is not None:
            self._feedback(None, now)

    def _itself(
        self, state: _State, header: RtpHeader, payload: bytes, carried: MediaPacket | None, now: float
    ) -> None:
        number = state.number(header.sequence_number)
        if carried is None or carried.number != number:
            return  # its header was damaged on the way
        state.highest = max(state.highest, number)
        state.reception.arrive(number, header.timestamp, now)
        first = carried.known_s == math.inf
        if carried.arrived_s == math.inf:
            carried.arrived_s = now
            if carried.retransmitted_s == math.inf:
                self._repair(state, carried, now)
        if state.nack is not None:
            state.nack.received(number, now)
        if first and state.keys is not None:
            state.keys.known(number, header, payload, now)

    def _again(
        self, state: _State, header: RtpHeader, payload: bytes, carried: MediaPacket | None, now: float
    ) -> None:
        self.counts.retransmitted_packets_received += 1
        number = state.number(original_number(payload))
        if carried is None or carried.number != number:
            return
        first = carried.known_s == math.inf
        if carried.retransmitted_s == math.inf:
            carried.retransmitted_s = now
            if carried.arrived_s == math.inf:
                self._repair(state, carried, now)
        if state.nack is not None:
            state.nack.received(number, now, itself=False)
        if first and state.keys is not None:
            state.keys.known(number, header, payload[2:], now)

    def _repair(self, state: _State, packet: MediaPacket, now: float) -> None:
        """What FEC gives at this arrival is there as if it had arrived."""
        for found in packet.block.arrived(packet.esi):
            first = found.known_s == math.inf
            found.repaired_s = now
            if state.nack is not None:
                state.nack.received(found.number, now, itself=False)
            if first and state.keys is not None:
                header, payload = parse(found.data)
                state.keys.known(found.number, header, payload, now)

    def _control(self, data: bytes, now: float) -> None:
        for part in split(data):
            if part.packet_type == SENDER_REPORT:
                report = SenderReport.parse(data)
                if (state := self._by_ssrc.get(report.ssrc)) is not None:
                    state.reception.sender_report(report.ntp, now)
                    self._start(now)
            elif part.packet_type == EXTENDED_REPORT:
                for delay in ExtendedReport.parse(part).delays:
                    if delay.ssrc == SSRC and (rtt_s := delay.round_trip_s(ntp(now))) is not None:
                        self.rtt_s = max(rtt_s, 1e-3)
                        for one in self._states:
                            if one.nack is not None:
                                one.nack.rtt_s = self.rtt_s

    def _answer(self, now: float) -> None:
        """Sends the requests that are due, and wakes up for the next."""
        if self._send is None:
            return
        next_s = math.inf
        for state in self._states:
            if state.nack is not None:
                numbers = state.nack.due(now)
                if numbers:
                    first = state.flow.first_sequence_number
                    wire = tuple((first + number) % 2**16 for number in numbers)
                    self._send(Nack(SSRC, state.flow.ssrc, wire).serialize(), now)
                    self.counts.nack_count += 1
                next_s = min(next_s, state.nack.next_s())
            if state.keys is not None:
                rtt_s = DEFAULT_RTT_S if self.rtt_s is None else self.rtt_s
                if state.keys.due(now, rtt_s):
                    self._send(PictureLoss(SSRC, state.flow.ssrc).serialize(), now)
                    self.counts.pli_count += 1
                next_s = min(next_s, state.keys.next_s)
        if next_s < self._wake_s and next_s <= self._until_s:
            self._wake_s = next_s
            self._clock.at(max(next_s, now), self._wake, None)

    def _wake(self, nothing: None, now: float) -> None:
        if now >= self._wake_s:
            self._wake_s = math.inf
            self._answer(now)

    def _report(self, nothing: None, now: float) -> None:
        """A receiver report with the receiver's reference time, and the next one after the interval."""
        assert self._send is not None
        blocks = tuple(state.reception.block(now) for state in self._states)
        data = ReceiverReport(SSRC, blocks).serialize()
        self._send(data + ExtendedReport(SSRC, reference=ntp(now)).serialize(), now)
        if now + self._mechanisms.report_interval_s <= self._until_s:
            self._clock.at(now + self._mechanisms.report_interval_s, self._report, None)

    def _feedback(self, nothing: None, now: float) -> None:
        """Transport-wide feedback of what came since the last one."""
        assert self._send is not None
        assert self._times is not None
        interval_s = self._mechanisms.transport_feedback_s
        assert interval_s is not None
        for message in self._times.take():
            self._send(message, now)
        if now + interval_s <= self._until_s:
            self._clock.at(now + interval_s, self._feedback, None)


def _state(flow: Flow, mechanisms: Mechanisms) -> _State:
    nack = None
    if mechanisms.nack is not None:
        nack = NackRequester(mechanisms.nack, mechanisms.give_up_s)
    keys = None
    if mechanisms.pli and flow.begins_key is not None:
        keys = KeyRequests(flow, mechanisms.patience_s)
    return _State(flow, Reception(flow.ssrc, flow.clock_rate, flow.first_sequence_number), nack, keys)
