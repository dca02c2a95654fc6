"""One stream through one path: from Stream to Delivery, in arrays or event by event."""

from __future__ import annotations

from typing import Literal

import numpy as np

from lossweep.channels.codel import pack
from lossweep.channels.element import Element, Stage
from lossweep.channels.packets import Packet
from lossweep.channels.path import delay_quantile, start
from lossweep.sim.clock import NetworkClock
from lossweep.sim.delivery import Delivery
from lossweep.sim.outcome import Sent, delivery, first_arrivals, own, playout_delay
from lossweep.sim.pipeline import Pipeline
from lossweep.sim.receiver import Receiver
from lossweep.sim.repair import repair_times
from lossweep.sim.sender import Sender, departures
from lossweep.sim.stream import Stream

AUTO_DELAY_QUANTILE = 1 - 1e-6
CROSS_TRAFFIC_TAIL_S = 1.0
"""Cross traffic goes on so long after the last packet has left the sender."""


def simulate(
    stream: Stream,
    *elements: Element,
    seed: int,
    repetition: int = 0,
    playout_delay_s: float | Literal["auto"] = "auto",
    pacing_factor: float = 2.5,
) -> Delivery:
    """Sends a stream through a path to a receiver with repair and a fixed jitter buffer.

    Equal arguments give equal deliveries, bit for bit. For one seed and repetition all streams have the same network:
    the same state where it is a function of the clock, the same chance in the same packet slot (sbn, esi) where each
    packet draws its own.

    Args:
        stream: packets in blocks.
        elements: of the path, in the order in which packets pass them; their state runs on over the whole stream.
        seed, repetition: integers >= 0; together they name the network's chance.
        playout_delay_s: the wait between capture and display, or "auto": the longest time that a packet
            spends at the sender after its media time (so the block's duration is in it), plus the delay that
            all but one packet in a million do not exceed; behind a queue, the longest that a packet took.
        pacing_factor: see `lossweep.sim.sender.departures`.
    Returns:
        One row per packet, in the stream's order; sent = arrived + lost.
    Raises:
        ValueError: an empty stream, blocks that are not the stream's packets, a negative seed or playout
            delay, pacing_factor < 1.
    """
    sent, stages = _prepared(stream, elements, seed, repetition, pacing_factor)
    arrived = own(Pipeline(stages).apply(sent.packets))
    arrived_s = first_arrivals(len(stream.packets), arrived)
    path_delay_s = delay_quantile(elements, AUTO_DELAY_QUANTILE)
    playout_s = playout_delay(sent, playout_delay_s, path_delay_s, arrived_s)
    return delivery(sent, arrived, arrived_s, repair_times(stream.blocks, arrived_s), playout_s)


def simulate_by_events(
    stream: Stream,
    *elements: Element,
    seed: int,
    repetition: int = 0,
    playout_delay_s: float | Literal["auto"] = "auto",
    pacing_factor: float = 2.5,
) -> Delivery:
    """The same delivery as `simulate`, packet for packet, from the closed-loop form: one event after another."""
    sent, stages = _prepared(stream, elements, seed, repetition, pacing_factor)
    clock = NetworkClock(initial_time=min(0.0, float(sent.packets.time_s[0])))
    arrived: list[tuple[Packet, float]] = []
    receiver = Receiver(stream)

    def receive(packet: Packet, now: float) -> None:
        arrived.append((packet, now))
        if packet.index >= 0:
            receiver.receive(packet.index, now)

    connect(stages, clock, receive)
    Sender(clock, sent.packets, stages[0].send).start()
    clock.run_out()
    packets = own(pack(arrived))
    arrived_s = np.asarray(receiver.arrived_s)
    path_delay_s = delay_quantile(elements, AUTO_DELAY_QUANTILE)
    playout_s = playout_delay(sent, playout_delay_s, path_delay_s, arrived_s)
    return delivery(sent, packets, arrived_s, np.asarray(receiver.repaired_s), playout_s)


def connect(stages: list[Stage], clock: NetworkClock, receive: object) -> None:
    """Lets each stage forward to the next, and the last one to `receive(packet, time_s)`."""
    targets = [*(stage.send for stage in stages[1:]), receive]
    for stage, target in zip(stages, targets, strict=True):
        stage.connect(clock, target)  # type: ignore[arg-type]


def _prepared(
    stream: Stream, elements: tuple[Element, ...], seed: int, repetition: int, pacing_factor: float
) -> tuple[Sent, list[Stage]]:
    if seed < 0 or repetition < 0:
        raise ValueError(f"seed {seed} and repetition {repetition} must both be 0 or more")
    if not elements:
        raise ValueError("a path needs one element or more (a delay of 0 s changes nothing)")
    if not len(stream.packets):
        raise ValueError("the stream has no packets; nothing can be simulated")
    sent = Sent.of(stream, *departures(stream, pacing_factor))
    end_s = float(sent.packets.time_s[-1]) + CROSS_TRAFFIC_TAIL_S
    return sent, start(elements, seed=seed, repetition=repetition, end_s=end_s)
