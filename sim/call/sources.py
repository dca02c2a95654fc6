"""What a call sends: packets that are known beforehand, or frames that are coded while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lossweep.sim.call.fec_rule import BlockFacts
from lossweep.sim.call.flow import Flow
from lossweep.sim.call.mechanisms import Mechanisms
from lossweep.sim.call.record import Kind, MediaPacket, SourceBlock
from lossweep.sim.call.sender import CallSender
from lossweep.sim.clock import NetworkClock
from lossweep.sim.rtp import extend
from lossweep.sim.sender import departures
from lossweep.sim.stream import PacketCode, Stream


class Source(Protocol):
    """Sends packets of some streams.

    Attributes:
        blocks: what was sent so far, in order of departure.
    """

    blocks: list[SourceBlock]

    @property
    def end_s(self) -> float:
        """When the last packet leaves."""
        ...

    def start(self, sender: CallSender, clock: NetworkClock, mechanisms: Mechanisms) -> None:
        """Schedules the first departure."""
        ...


class StreamSource:
    """The packets of a stream, as the open loop sends them.

    Args:
        stream: of any endpoint.
        flows: of its source packets.
        pacing_factor: see `lossweep.sim.sender.departures`.
        slots: of random numbers: block i has the number `first + step * i`.
    """

    def __init__(
        self, stream: Stream, flows: Sequence[Flow], pacing_factor: float, first: int = 0, step: int = 1
    ) -> None:
        self.blocks: list[SourceBlock] = []
        self._packets: list[tuple[MediaPacket, Kind, int]] = []
        self._order, self._times = departures(stream, pacing_factor)
        known = {flow.ssrc: flow for flow in flows}
        highest: dict[int, int] = {}
        for i, block in enumerate(stream.blocks):
            made = SourceBlock(first + step * i, block.media_start_s, block.media_duration_s, block.code)
            self.blocks.append(made)
            for esi, index in enumerate(range(block.first, block.first + block.code.n)):
                data, number = stream.packets[index], -1
                ssrc = int.from_bytes(data[8:12], "big")
                if esi < block.code.k:
                    start = known[ssrc].first_sequence_number
                    number = extend(int.from_bytes(data[2:4], "big"), start + highest.get(ssrc, 0)) - start
                    highest[ssrc] = number
                packet = MediaPacket(
                    data,
                    number,
                    made,
                    esi,
                    float(stream.media_time_s[index]),
                    float(stream.available_s[index]),
                )
                made.packets.append(packet)
                self._packets.append((packet, Kind.SOURCE if number >= 0 else Kind.FEC, ssrc))
        self._next = 0

    @property
    def end_s(self) -> float:
        """When the last packet leaves."""
        return float(self._times[-1])

    @property
    def begin_s(self) -> float:
        """When the first packet leaves."""
        return float(self._times[0])

    def start(self, sender: CallSender, clock: NetworkClock, mechanisms: Mechanisms) -> None:
        """Schedules the first packet; each one schedules the next."""
        for packet, kind, ssrc in self._packets:
            if kind == Kind.SOURCE:
                sender.register(ssrc, packet)
        order, times = self._order.tolist(), self._times.tolist()

        def leave(place: int, now: float) -> None:
            packet, kind, _ = self._packets[order[place]]
            sender.leave(packet, kind, now)
            if place + 1 < len(order):
                clock.at(times[place + 1], leave, place + 1)

        clock.at(times[0], leave, 0)


@dataclass(frozen=True)
class CodedFrame:
    """A frame as RTP packets.

    Attributes:
        packets: RTP header and payload, in order.
        key: whether it is a key frame.
    """

    packets: tuple[bytes, ...]
    key: bool


class Encoder(Protocol):
    """An encoder that is asked for one frame after another while a call runs.

    Attributes:
        frames, fps, width, height: of the clip.
    """

    frames: int
    fps: float
    width: int
    height: int

    def frame(self, i: int, key: bool, rate_bps: float | None) -> CodedFrame:
        """Frame i; frames are asked for once, in order.

        Args:
            key: asks for a key frame.
            rate_bps: of the access units, bits per second; None keeps the encoder's own.
        """
        ...

    def protect(
        self, sbn: int, source: Sequence[bytes], key: bool, repair: int | None
    ) -> tuple[PacketCode, list[bytes]]:
        """The code of a block, and its repair packets.

        Args:
            source: RTP packets of the block.
            key: whether a key frame is among them.
            repair: number of repair packets; None: as many as the packet code says.
        """
        ...


class LiveSource:
    """Frames of an encoder, each asked for when it is captured.

    Packets that become available together leave evenly spaced over 1 / pacing_factor of a frame's duration, as in the
    open loop. With a congestion control they leave at pacing_factor times its rate, as from WebRTC's pacer, and the
    encoder gets what FEC and headers leave of the rate.

    Args:
        encoder: of the frames.
        flow: of the source packets.
        fec_frames: frames of one block.
        pacing_factor: >= 1.
        first, step: see `StreamSource`.
        begin_s: when the first frame is captured.
    """

    def __init__(
        self,
        encoder: Encoder,
        flow: Flow,
        fec_frames: int,
        pacing_factor: float,
        first: int = 0,
        step: int = 1,
        begin_s: float = 0.0,
    ) -> None:
        self.blocks: list[SourceBlock] = []
        self.key_frames = 0
        self.rates: list[tuple[float, float]] = []
        self._encoder, self._flow, self._fec_frames = encoder, flow, fec_frames
        self._pacing_factor, self._first, self._step = pacing_factor, first, step
        self.begin_s = begin_s
        self._number = 0
        self._block_frames = 0
        self._share = 1.0
        self._free_s = 0.0

    @property
    def end_s(self) -> float:
        """When the last frame is captured."""
        return self._time_s(self._encoder.frames - 1)

    def start(self, sender: CallSender, clock: NetworkClock, mechanisms: Mechanisms) -> None:
        """Schedules the first frame; each one schedules the next."""
        self._sender, self._clock, self._mechanisms = sender, clock, mechanisms
        clock.at(self.begin_s, self._capture, 0)

    def _time_s(self, i: int) -> float:
        """When frame i is captured; its media time."""
        return self.begin_s + i / self._encoder.fps

    def _capture(self, i: int, now: float) -> None:
        encoder, sender = self._encoder, self._sender
        rate_bps = None
        if sender.rate is not None:
            rate_bps = sender.rate.rate_bps * self._share
            self.rates.append((now, sender.rate.rate_bps))
        coded = encoder.frame(i, sender.key_wanted or i == 0, rate_bps)
        if coded.key:
            self.key_frames += 1
            sender.key_wanted = False
        if not self._block_frames:
            sbn = self._first + self._step * len(self.blocks)
            self.blocks.append(SourceBlock(sbn, self._time_s(i), 0.0))
        block = self.blocks[-1]
        block.key |= coded.key
        self._block_frames += 1
        block.media_duration_s = self._block_frames / encoder.fps
        batch: list[tuple[MediaPacket, Kind]] = []
        for data in coded.packets:
            packet = MediaPacket(data, self._number, block, len(block.packets), self._time_s(i), now)
            self._number += 1
            block.packets.append(packet)
            sender.register(self._flow.ssrc, packet)
            batch.append((packet, Kind.SOURCE))
        if self._block_frames == self._fec_frames or i == encoder.frames - 1:
            batch += self._close(block, now)
        for at_s, one in zip(self._departures(batch, now), batch, strict=True):
            self._clock.at(at_s, self._leave, one)
        if i + 1 < encoder.frames:
            self._clock.at(self._time_s(i + 1), self._capture, i + 1)

    def _departures(self, batch: Sequence[tuple[MediaPacket, Kind]], now: float) -> list[float]:
        """When the packets of a frame leave: evenly spaced; with a rate, each when those before it are paced out."""
        if self._sender.rate is None:
            gap_s = 1 / self._encoder.fps / len(batch) / self._pacing_factor
            return [now + place * gap_s for place in range(len(batch))]
        pace_bps, times = self._pacing_factor * self._sender.rate.rate_bps, []
        for packet, _ in batch:
            self._free_s = max(self._free_s, now)
            times.append(self._free_s)
            self._free_s += 8 * len(packet.data) / pace_bps
        return times

    def _close(self, block: SourceBlock, now: float) -> list[tuple[MediaPacket, Kind]]:
        source = [packet.data for packet in block.packets]
        size = sum(map(len, source))
        wanted = None
        if self._mechanisms.fec is not None:
            encoder = self._encoder
            facts = BlockFacts(
                len(source), block.key, self._block_frames, size, encoder.height, encoder.width, encoder.fps
            )
            wanted = self._mechanisms.fec.repair_packets(facts, self._sender.view())
        block.code, repair = self._encoder.protect(block.sbn, source, block.key, wanted)
        for data in repair:
            block.packets.append(MediaPacket(data, -1, block, len(block.packets), block.media_start_s, now))
        self._block_frames = 0
        overhead = (sum(map(len, repair)) + 40 * (len(source) + len(repair))) / max(size, 1)
        self._share += ((1 / (1 + overhead)) - self._share) / 8
        return [(packet, Kind.FEC) for packet in block.packets[len(source) :]]

    def _leave(self, one: tuple[MediaPacket, Kind], now: float) -> None:
        self._sender.leave(*one, now)
