"""A call: streams over a forward path, feedback over a reverse path, and mechanisms that react."""

from __future__ import annotations

from collections.abc import Sequence

from lossweep.channels.element import Element
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
    """Runs a call, one event after another.

    Equal arguments give equal results. The forward path has the random numbers of `lossweep.sim.simulate.simulate`;
    without mechanisms the delivery is the same, packet for packet. The reverse path has its own.

    Args:
        sources: of packets, just made.
        flows: the RTP streams of all of them.
        forward: elements of the path from sender to receiver.
        reverse: those of the path back; empty where there is none.
        mechanisms: which of them are in use.
        seed, repetition: integers >= 0; together they name the chance of the network.
        path_loss: what an oracle knows.
    Raises:
        ValueError: a mechanism needs feedback and there is no path back.
    """
    if mechanisms.feedback and not reverse:
        raise ValueError("feedback needs a path back: give the call a reverse path (call.reverse)")
    end_s = max(source.end_s for source in sources)
    until_s = end_s + mechanisms.playout_delay_s + 1.0
    begin_s = min([0.0, *(getattr(source, "begin_s", 0.0) for source in sources)])
    clock = NetworkClock(initial_time=begin_s)
    there = start(forward, seed=seed, repetition=repetition, end_s=end_s + CROSS_TRAFFIC_TAIL_S)
    back = start(reverse, seed=seed, repetition=repetition, end_s=until_s, reverse=True)
    log, answers = Transmissions(), Transmissions()
    came: list[tuple[Packet, float]] = []
    sender = CallSender(clock, flows, mechanisms, log, there[0].send, path_loss, until_s)

    def answer(data: bytes, now: float) -> None:
        size = len(data) + IP_UDP_HEADER_BYTES
        index = answers.add(data, None, Kind.FEEDBACK, now, size)
        sbn, esi = divmod(index, 256)
        back[0].send(Packet(index, sbn, esi, size), now)

    def take_answer(packet: Packet, now: float) -> None:
        if packet.index >= 0 and packet.flipped_bit < 0:  # a damaged one fails its checksum
            answers.arrive(packet.index, now)
            sender.receive(answers.data[packet.index], now)

    receiver = CallReceiver(clock, flows, mechanisms, log, answer if back else None, until_s)

    def take(packet: Packet, now: float) -> None:
        came.append((packet, now))
        receiver.receive(packet, now)

    connect(there, clock, take)
    if back:
        connect(back, clock, take_answer)
        clock.at(begin_s + FIRST_REPORT_S, lambda _, now: sender.start_reports(now), None)
    for source in sources:
        source.start(sender, clock, mechanisms)
    clock.run()
    return result(sources, mechanisms, sender, receiver, log, answers, came)
