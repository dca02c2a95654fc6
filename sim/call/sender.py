"""The sending end of a call: departures, retransmissions, reports, and what it learns from feedback."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lossweep.channels.packets import Packet
from lossweep.sim.call.fec_rule import NetworkView
from lossweep.sim.call.flow import Flow
from lossweep.sim.call.mechanisms import Mechanisms
from lossweep.sim.call.rate_control import Acknowledged, RateControl
from lossweep.sim.call.record import Kind, MediaPacket, Transmissions
from lossweep.sim.call.rtx import wrap
from lossweep.sim.call.transport_numbers import EXTENSION_BYTES, number_packet
from lossweep.sim.clock import NetworkClock
from lossweep.sim.rtcp import nack, pli, transport_cc
from lossweep.sim.rtcp.packet import (
    EXTENDED_REPORT,
    PAYLOAD_FEEDBACK,
    RECEIVER_REPORT,
    TRANSPORT_FEEDBACK,
    RtcpPacket,
    split,
)
from lossweep.sim.rtcp.report import ReceiverReport, middle, ntp
from lossweep.sim.rtcp.xr import Delay, ExtendedReport
from lossweep.sim.rtp import IP_UDP_HEADER_BYTES, RtpError, extend, initial_sequence_number
from lossweep.sim.sender_report import SenderReport

REPORTED_LOSS_S = 10.0
"""The worst loss of so long counts (WebRTC's window of 10 one-second intervals)."""
REPORT_SLOTS = 1 << 22
"""Block numbers from here on name the random numbers of the sender's RTCP packets."""


@dataclass
class _Line:
    """One stream at the sender."""

    flow: Flow
    history: dict[int, MediaPacket] = field(default_factory=dict)
    highest: int = 0
    rtx_number: int = 0
    packets: int = 0
    octets: int = 0
    timestamp: tuple[int, float] = (0, 0.0)


class CallSender:
    """Hands datagrams to the forward path and takes the RTCP of the reverse path.

    Args:
        clock: simulated time.
        flows: streams of the session.
        mechanisms: which of them are in use.
        log: of the forward path.
        send: hands a datagram to the path.
        path_loss: of the forward path, for an oracle; None where it has no law.
        until_s: no report is sent after this.
    """

    def __init__(
        self,
        clock: NetworkClock,
        flows: Sequence[Flow],
        mechanisms: Mechanisms,
        log: Transmissions,
        send: Callable[[Packet, float], None],
        path_loss: float | None,
        until_s: float,
    ) -> None:
        self._clock, self._mechanisms, self._log, self._send = clock, mechanisms, log, send
        self._lines = {flow.ssrc: _Line(flow) for flow in flows}
        self._path_loss, self._until_s = path_loss, until_s
        self._losses: deque[tuple[float, float]] = deque()
        self._reference: tuple[int, int, float] | None = None
        self._reports = 0
        self._sent: list[tuple[float, int]] = []  # by transport-wide number: time and size
        self._reported_to = 0
        self.rate: RateControl | None = None if mechanisms.rate is None else mechanisms.rate()
        self.rtt_s: float | None = None
        self.key_wanted = False
        self.retransmissions = 0

    def register(self, ssrc: int, packet: MediaPacket) -> None:
        """Keeps a source packet for retransmission."""
        self._lines[ssrc].history[packet.number] = packet

    def leave(self, packet: MediaPacket, kind: Kind, now: float) -> None:
        """Sends a source or FEC packet for the first time."""
        if math.isnan(packet.sent_s):
            packet.sent_s = now
        if kind == Kind.SOURCE:
            line = self._lines[int.from_bytes(packet.data[8:12], "big")]
            line.highest = max(line.highest, packet.number)
            line.packets += 1
            line.octets += len(packet.data) - 12
            line.timestamp = int.from_bytes(packet.data[4:8], "big"), now
        self._transmit(packet.data, packet, kind, packet.block.sbn, packet.esi, 0, now)

    def start_reports(self, now: float) -> None:
        """Sends the first sender reports; each is followed by one after the interval."""
        self._report(None, now)

    def receive(self, data: bytes, now: float) -> None:
        """Takes an RTCP packet of the reverse path."""
        try:
            for part in split(data):
                self._take(part, now)
        except RtpError:
            return

    def view(self) -> NetworkView:
        """What is known of the network now."""
        now = self._clock.now
        while self._losses and self._losses[0][0] < now - REPORTED_LOSS_S:
            self._losses.popleft()
        losses = [loss for _, loss in self._losses] or [0.0]
        mean, worst = sum(losses) / len(losses), max(losses)
        return NetworkView(mean, worst, self._path_loss, self.rtt_s, self._mechanisms.playout_delay_s)

    def _take(self, part: RtcpPacket, now: float) -> None:
        if part.packet_type == RECEIVER_REPORT:
            self._take_report(ReceiverReport.parse(part), now)
        elif part.packet_type == EXTENDED_REPORT:
            report = ExtendedReport.parse(part)
            if report.reference is not None:
                first = self._reference is None
                self._reference = report.ssrc, middle(report.reference), now
                if first:
                    self._delays(now)
        elif part.packet_type == TRANSPORT_FEEDBACK and part.count == nack.FORMAT:
            self._retransmit(nack.Nack.parse(part), now)
        elif part.packet_type == TRANSPORT_FEEDBACK and part.count == transport_cc.FORMAT:
            self._acknowledge(transport_cc.TransportFeedback.parse(part), now)
        elif part.packet_type == PAYLOAD_FEEDBACK and part.count == pli.FORMAT:
            pli.PictureLoss.parse(part)
            self.key_wanted = True

    def _take_report(self, report: ReceiverReport, now: float) -> None:
        for block in report.blocks:
            rtt_s = block.round_trip_s(ntp(now))
            if rtt_s is not None:
                self.rtt_s = max(rtt_s, 1e-3)
                if self.rate is not None:
                    self.rate.round_trip(self.rtt_s)
        if report.blocks:
            self._losses.append((now, max(block.fraction_lost for block in report.blocks)))

    def _retransmit(self, message: nack.Nack, now: float) -> None:
        line = self._lines.get(message.media_ssrc)
        if line is None:
            return
        first = line.flow.first_sequence_number
        for wire in message.numbers:
            packet = line.history.get(extend(wire, first + line.highest) - first)
            if packet is None or math.isnan(packet.sent_s):
                continue
            copies = 1
            if self._mechanisms.fec is not None:
                copies = self._mechanisms.fec.copies(now - packet.media_time_s, self.view())
            for _ in range(copies):
                packet.requests += 1
                number = (initial_sequence_number(line.flow.rtx_ssrc) + line.rtx_number) % 2**16
                line.rtx_number += 1
                data = wrap(packet.data, line.flow.rtx_ssrc, line.flow.rtx_payload_type, number)
                self.retransmissions += 1
                self._transmit(
                    data, packet, Kind.RTX, packet.block.sbn, packet.esi, min(packet.requests, 0xFFFF), now
                )

    def _acknowledge(self, message: transport_cc.TransportFeedback, now: float) -> None:
        if self.rate is None:
            return
        base = extend(message.base, self._reported_to)
        packets = []
        for number, ticks in enumerate(message.arrivals, base):
            if 0 <= number < len(self._sent):
                sent_s, size = self._sent[number]
                arrived_s = None if ticks is None else ticks * transport_cc.TICK_S
                packets.append(Acknowledged(sent_s, arrived_s, size))
        self._reported_to = max(self._reported_to, base + len(message.arrivals))
        self.rate.feedback(packets, now)

    def _transmit(
        self, data: bytes, packet: MediaPacket, kind: Kind, sbn: int, esi: int, copy: int, now: float
    ) -> None:
        size = len(data) + IP_UDP_HEADER_BYTES
        if self.rate is not None:
            size += EXTENSION_BYTES
            data = number_packet(data, len(self._sent))
            self._sent.append((now, size))
        index = self._log.add(data, packet, kind, now, size)
        self._send(Packet(index, sbn, esi, size, copy), now)

    def _report(self, nothing: None, now: float) -> None:
        for line in self._lines.values():
            timestamp, at = line.timestamp
            timestamp = (timestamp + round((now - at) * line.flow.clock_rate)) % 2**32
            report = SenderReport(line.flow.ssrc, ntp(now), timestamp, line.packets, line.octets % 2**32)
            self._control(report.serialize(), now)
        if self._reference is not None:
            self._delays(now)
        if now + self._mechanisms.report_interval_s <= self._until_s:
            self._clock.at(now + self._mechanisms.report_interval_s, self._report, None)

    def _delays(self, now: float) -> None:
        """Tells the receiver when its reference time came, so that it knows the round trip."""
        assert self._reference is not None
        ssrc, reference, at = self._reference
        delay = (middle(ntp(now)) - middle(ntp(at))) % 2**32
        own = next(iter(self._lines))
        self._control(ExtendedReport(own, delays=(Delay(ssrc, reference, delay),)).serialize(), now)

    def _control(self, data: bytes, now: float) -> None:
        size = len(data) + IP_UDP_HEADER_BYTES
        index = self._log.add(data, None, Kind.FEEDBACK, now, size)
        sbn, esi = divmod(self._reports, 256)
        self._reports += 1
        self._send(Packet(index, REPORT_SLOTS + sbn, esi, size), now)
