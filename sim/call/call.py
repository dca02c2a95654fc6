"""A call: streams over a forward path, feedback over a reverse path, and mechanisms that react."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lossweep.channels.element import Element, Stage
from lossweep.channels.packets import Packet
from lossweep.channels.path import start
from lossweep.sim.call.flow import Flow
from lossweep.sim.call.mechanisms import Mechanisms
from lossweep.sim.call.receiver import CallReceiver
from lossweep.sim.call.record import Kind, Transmissions
from lossweep.sim.call.result import CallResult, result
from lossweep.sim.call.sender import CallSender
from lossweep.sim.call.sources import Source
from lossweep.sim.clock import NetworkClock
from lossweep.sim.rtp import IP_UDP_HEADER_BYTES
from lossweep.sim.simulate import CROSS_TRAFFIC_TAIL_S, connect

FIRST_REPORT_S = 0.001
"""The first sender report leaves so long after the first packet."""


@dataclass(frozen=True)
class Party:
    """One sender with its receiver.

    Attributes:
        sources: of packets, just made.
        flows: the RTP streams of all of them.
        mechanisms: which of them are in use.
    """

    sources: Sequence[Source]
    flows: Sequence[Flow]
    mechanisms: Mechanisms


def call(
    sources: Sequence[Source],
    flows: Sequence[Flow],
    forward: Sequence[Element],
    reverse: Sequence[Element],
    mechanisms: Mechanisms,
    *,
    seed: int,
    repetition: int = 0,
    path_loss: float | None = None,
) -> CallResult:
    """Runs one call; see `calls`."""
    party = Party(sources, flows, mechanisms)
    return calls([party], forward, reverse, seed=seed, repetition=repetition, path_loss=path_loss)[0]


def calls(
    parties: Sequence[Party],
    forward: Sequence[Element],
    reverse: Sequence[Element],
    *,
    seed: int,
    repetition: int = 0,
    path_loss: float | None = None,
) -> list[CallResult]:
    """Runs calls that share one path, one event after another.

    Equal arguments give equal results. The forward path has the random numbers of `lossweep.sim.simulate.simulate`;
    for one call without mechanisms the delivery is the same, packet for packet. The reverse path has its own.

    Args:
        parties: one or more.
        forward: elements of the path from senders to receivers.
        reverse: those of the path back; empty where there is none.
        seed, repetition: integers >= 0; together they name the chance of the network.
        path_loss: what an oracle knows.
    Raises:
        ValueError: a mechanism needs feedback and there is no path back.
    """
    if any(party.mechanisms.feedback for party in parties) and not reverse:
        raise ValueError("feedback needs a path back: give the call a reverse path (call.reverse)")
    every = [source for party in parties for source in party.sources]
    end_s = max(source.end_s for source in every)
    until_s = end_s + max(party.mechanisms.playout_delay_s for party in parties) + 1.0
    begin_s = min([0.0, *(getattr(source, "begin_s", 0.0) for source in every)])
    clock = NetworkClock(initial_time=begin_s)
    there = start(forward, seed=seed, repetition=repetition, end_s=end_s + CROSS_TRAFFIC_TAIL_S)
    back = start(reverse, seed=seed, repetition=repetition, end_s=until_s, reverse=True)
    lines = []
    for number, party in enumerate(parties):
        share = _Share(number, len(parties))
        lines.append(_Line(party, clock, share.into(there), share.into(back), path_loss, until_s))
    connect(there, clock, _sorted([line.take for line in lines]))
    if back:
        connect(back, clock, _sorted([line.take_answer for line in lines]))
        for line in lines:
            clock.at(begin_s + FIRST_REPORT_S, line.start_reports, None)
    for line in lines:
        for source in line.party.sources:
            source.start(line.sender, clock, line.party.mechanisms)
    clock.run_out()
    return [line.result() for line in lines]


Send = Callable[[Packet, float], None]


@dataclass(frozen=True)
class _Share:
    """The part of a path's packet numbers and random numbers that belongs to one party of several."""

    number: int
    parties: int

    def into(self, stages: Sequence[Stage]) -> Send | None:
        """Hands the party's packets to a path; None where there is none."""
        if not stages:
            return None
        first = stages[0]
        if self.parties == 1:
            return first.send

        def send(packet: Packet, now: float) -> None:
            packet.index = packet.index * self.parties + self.number
            packet.sbn = packet.sbn * self.parties + self.number
            first.send(packet, now)

        return send


def _sorted(takers: Sequence[Send]) -> Send:
    """Gives each packet that comes out of a path to its party."""
    if len(takers) == 1:
        return takers[0]

    def take(packet: Packet, now: float) -> None:
        if packet.index >= 0:
            index, number = divmod(packet.index, len(takers))
            takers[number](replace(packet, index=index), now)

    return take


class _Line:
    """One party at work."""

    def __init__(
        self,
        party: Party,
        clock: NetworkClock,
        send: Send | None,
        send_back: Send | None,
        path_loss: float | None,
        until_s: float,
    ) -> None:
        assert send is not None
        self.party = party
        self._log, self._answers = Transmissions(), Transmissions()
        self._came: list[tuple[Packet, float]] = []
        self._back = send_back
        self.sender = CallSender(clock, party.flows, party.mechanisms, self._log, send, path_loss, until_s)
        answer = None if send_back is None else self._answer
        self._receiver = CallReceiver(clock, party.flows, party.mechanisms, self._log, answer, until_s)

    def start_reports(self, nothing: None, now: float) -> None:
        self.sender.start_reports(now)

    def take(self, packet: Packet, now: float) -> None:
        """A datagram comes out of the forward path."""
        self._came.append((packet, now))
        self._receiver.receive(packet, now)

    def take_answer(self, packet: Packet, now: float) -> None:
        """A datagram comes out of the path back; a damaged one fails its checksum."""
        if packet.index >= 0 and packet.flipped_bit < 0:
            self._answers.arrive(packet.index, now)
            self.sender.receive(self._answers.data[packet.index], now)

    def result(self) -> CallResult:
        """What happened."""
        mechanisms = self.party.mechanisms
        return result(
            self.party.sources,
            self.party.flows,
            mechanisms,
            self.sender,
            self._receiver,
            self._log,
            self._answers,
            self._came,
        )

    def _answer(self, data: bytes, now: float) -> None:
        assert self._back is not None
        size = len(data) + IP_UDP_HEADER_BYTES
        index = self._answers.add(data, None, Kind.FEEDBACK, now, size)
        sbn, esi = divmod(index, 256)
        self._back(Packet(index, sbn, esi, size), now)
