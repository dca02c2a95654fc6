"""What a call gives: the packets with their fate, and what the receiver got."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lossweep.channels.packets import Packet
from lossweep.sim.call.adaptive_playout import adaptive_playout
from lossweep.sim.call.flow import Flow
from lossweep.sim.call.mechanisms import Mechanisms
from lossweep.sim.call.receiver import CallReceiver, ReceiverCounts
from lossweep.sim.call.record import Kind, MediaPacket, SourceBlock, Transmissions, TransmissionTable
from lossweep.sim.call.sender import CallSender
from lossweep.sim.call.sources import LiveSource, Source
from lossweep.sim.call.transport_numbers import without_number
from lossweep.sim.delivery import Arrival, Delivery, flip
from lossweep.sim.jitter_buffer import Playout, deadlines
from lossweep.sim.stream import Block, Stream


@dataclass(frozen=True)
class CallResult:
    """What happened in a call.

    Attributes:
        stream: the source and FEC packets that were sent, block after block.
        delivery: one row per packet of the stream; `recovered` by FEC or retransmission, in time.
        playout: when what was captured is played.
        packets: of the stream, with the times of each kind of arrival.
        forward, reverse: one row per transmission.
        counts: what the receiver sent and got.
        retransmissions: packets sent again.
        key_frames: frames that were coded without a reference; None where the packets were known beforehand.
        rates: time and rate of the congestion control, at each frame.
        arrivals: datagrams at the receiver, in order of arrival.
    """

    stream: Stream
    delivery: Delivery
    playout: Playout
    packets: tuple[MediaPacket, ...]
    forward: TransmissionTable
    reverse: TransmissionTable
    counts: ReceiverCounts
    retransmissions: int
    key_frames: int | None
    rates: tuple[tuple[float, float], ...]
    arrivals: tuple[Arrival, ...]


def result(
    sources: Sequence[Source],
    flows: Sequence[Flow],
    mechanisms: Mechanisms,
    sender: CallSender,
    receiver: CallReceiver,
    log: Transmissions,
    answers: Transmissions,
    came: Sequence[tuple[Packet, float]],
) -> CallResult:
    every = [block for source in sources for block in source.blocks if block.packets]
    blocks = [every[i] for i in _by_media_time(every)]
    packets = tuple(packet for block in blocks for packet in block.packets)
    live = [source for source in sources if isinstance(source, LiveSource)]
    arrivals = tuple(
        Arrival(without_number(flip(log.data[packet.index], packet.flipped_bit)), now)
        for packet, now in came
        if packet.index >= 0 and log.kind[packet.index] != Kind.FEEDBACK
    )
    adapted = adaptive_playout(packets, flows) if mechanisms.adaptive_playout else None
    playout = adapted or Playout.fixed(mechanisms.playout_delay_s)
    return CallResult(
        _stream(blocks, packets),
        _delivery(blocks, packets, playout),
        playout,
        packets,
        log.arrays(),
        answers.arrays(),
        receiver.counts,
        sender.retransmissions,
        sum(source.key_frames for source in live) if live else None,
        tuple(rate for source in live for rate in source.rates),
        arrivals,
    )


def _by_media_time(blocks: Sequence[SourceBlock]) -> list[int]:
    order: list[int] = np.argsort([block.media_start_s for block in blocks], kind="stable").tolist()
    return order


def _stream(blocks: Sequence[SourceBlock], packets: Sequence[MediaPacket]) -> Stream:
    found, first = [], 0
    for sbn, block in enumerate(blocks):
        assert block.code is not None
        found.append(Block(sbn, first, block.code, block.media_start_s, block.media_duration_s))
        first += block.code.n
    return Stream(
        tuple(packet.data for packet in packets),
        np.array([packet.media_time_s for packet in packets]),
        np.array([packet.available_s for packet in packets]),
        tuple(found),
    )


def _delivery(blocks: Sequence[SourceBlock], packets: Sequence[MediaPacket], playout: Playout) -> Delivery:
    arrived_s = np.array([packet.arrived_s for packet in packets])
    again_s = np.array([min(packet.retransmitted_s, packet.repaired_s) for packet in packets])
    media_time_s = np.array([packet.media_time_s for packet in packets])
    deadline_s = deadlines(media_time_s, playout.at(media_time_s))
    lost, in_time = np.isinf(arrived_s), arrived_s <= deadline_s
    source = np.array([packet.number >= 0 for packet in packets])
    recovered = source & ~in_time & (again_s <= deadline_s)
    sizes = [len(block.packets) for block in blocks]
    return Delivery(
        sbn=np.repeat(np.arange(len(blocks)), sizes),
        esi=np.array([packet.esi for packet in packets], dtype=np.int64),
        source=source,
        size_bytes=np.array([len(packet.data) for packet in packets], dtype=np.int64),
        sent_s=np.array([packet.sent_s for packet in packets]),
        arrived_s=np.where(lost, np.nan, arrived_s),
        lost=lost,
        late=~lost & ~in_time,
        recovered=recovered,
        usable=in_time | recovered,
        playout_delay_s=playout.mean_s,
    )
