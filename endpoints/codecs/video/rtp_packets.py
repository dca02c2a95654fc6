"""Packetization `rtp`: the codecs' own payload formats, protected as ADUs.

Source packets are the packets of RFC 6184, RFC 7798 or the AV1 RTP specification, each sent when its frame is
captured. A block spans some frames, at most a GOP; its repair packets are a stream of their own (RFC 6865), each sent
when the source packets that it depends on are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from itertools import groupby, pairwise
from typing import Protocol, cast

import numpy as np

from lossweep.endpoints.codecs.video.encode import Coded
from lossweep.endpoints.codecs.video.frames import ReceivedFrame
from lossweep.endpoints.fec.code import CodeFamily
from lossweep.endpoints.fec.packets import repair_packets
from lossweep.endpoints.packetize.access_unit import AccessUnit, PayloadError
from lossweep.endpoints.receiver import ReceivedPacket
from lossweep.endpoints.session import RepairStream, RtpStream
from lossweep.sim import rtp
from lossweep.sim.stream import Block, Stream

CLOCK_RATE = 90_000
PAYLOAD_TYPE, SSRC = 96, 0x10557EE9
REPAIR_PAYLOAD_TYPE, REPAIR_SSRC = 97, 0x10557EEA


class PayloadFormat(Protocol):
    """A module of `lossweep.endpoints.packetize` for a video codec."""

    def packetize(self, access_unit: bytes, max_payload_size: int) -> list[bytes]:
        """RTP payloads of an access unit."""
        ...

    def depacketize(self, payloads: Sequence[bytes | None]) -> AccessUnit:
        """What is there of an access unit."""
        ...

    def begins_sequence(self, payload: bytes) -> bool:
        """Whether a payload is the first of a key frame's access unit."""
        ...

    def is_key(self, unit: AccessUnit) -> bool:
        """Whether an access unit is a key frame's."""
        ...


def payload_format(codec: str) -> PayloadFormat:
    """The payload format of a codec."""
    return cast(PayloadFormat, import_module(f"lossweep.endpoints.packetize.{codec}"))


def to_stream(
    coded: Coded, fps: float, family: CodeFamily, max_payload_size: int, fec_frames: int
) -> tuple[Stream, RtpStream]:
    """RTP packets of a coded clip in its payload format, with repair packets block by block.

    Args:
        max_payload_size: largest RTP payload of a source packet, in bytes.
        fec_frames: frames that a block protects together, >= 1; no block goes beyond its GOP. A code that spans the
            stream has one block.
    Raises:
        ValueError: more packets in a block than the code takes.
    """
    formats = payload_format(coded.codec)
    repair = RepairStream(REPAIR_SSRC, REPAIR_PAYLOAD_TYPE, family.parameters())
    line = RtpStream("video", SSRC, PAYLOAD_TYPE, CLOCK_RATE, rtp.initial_sequence_number(SSRC), 0, repair)
    first_repair = rtp.initial_sequence_number(REPAIR_SSRC)
    packets: list[bytes] = []
    media_time: list[float] = []
    available: list[float] = []
    blocks: list[Block] = []
    sent = repaired = 0
    count = len(coded.access_units)
    spans = [(0, count)] if family.spans_stream else _blocks(count, coded.gop, fec_frames)
    for sbn, (first, end) in enumerate(spans):
        units = coded.access_units[first:end]
        source: list[bytes] = []
        sizes: list[int] = []
        for index, unit in enumerate(units, first):
            payloads = formats.packetize(unit, max_payload_size)
            sizes.append(len(payloads))
            for position, payload in enumerate(payloads):
                header = rtp.RtpHeader(
                    payload_type=PAYLOAD_TYPE,
                    ssrc=SSRC,
                    sequence_number=(line.first_sequence_number + sent) % 2**16,
                    timestamp=line.timestamp(index / fps),
                    marker=position == len(payloads) - 1,
                )
                source.append(header.serialize() + payload)
                sent += 1
                media_time.append(index / fps)
                available.append(index / fps)
        if family.spans_stream:
            code = family.make_stream(sizes)
        else:
            code = family.make_frames(len(source), key=first % coded.gop == 0)
        blocks.append(Block(sbn, len(packets), code, first / fps, len(units) / fps))
        ready, begin = available[len(packets) :], media_time[len(packets) :]
        packets += source
        repair_ready = [ready[code.sent_after(esi)] for esi in range(code.k, code.n)]
        timestamps = [line.timestamp(ready_s) for ready_s in repair_ready]
        packets += repair_packets(source, code, sbn, line, first_repair + repaired, timestamps)
        repaired += len(repair_ready)
        media_time += [begin[code.played_with(esi)] for esi in range(code.k, code.n)]
        available += repair_ready
    return Stream(tuple(packets), np.array(media_time), np.array(available), tuple(blocks)), line


def _blocks(count: int, gop: int, fec_frames: int) -> list[tuple[int, int]]:
    """First frame of each block, and the frame after its last one."""
    starts = [
        first for key in range(0, count, gop) for first in range(key, min(key + gop, count), fec_frames)
    ]
    return list(pairwise([*starts, count]))


def frames(received: Sequence[ReceivedPacket], codec: str, fps: float) -> dict[int, ReceivedFrame]:
    """What of each frame is there, by frame number; a frame's packets are those of one RTP timestamp.

    A frame is whole when its numbers follow each other up to one with the marker bit, and either the packet
    before its first one is there too or its first payload begins a key frame.

    Args:
        received: of the video stream, in order of number.
        codec: "h264", "h265" or "av1".
    """
    formats, out = payload_format(codec), dict[int, ReceivedFrame]()
    before = -1
    for timestamp_s, group in groupby(received, key=lambda packet: packet.media_time_s):
        packets = list(group)
        first, last = packets[0], packets[-1]
        begins = first.number == before + 1 or _begins(formats, first.payload)
        by_number = {packet.number: packet.payload for packet in packets}
        payloads = [by_number.get(number) for number in range(first.number, last.number + 1)]
        payloads = [*([] if begins else [None]), *payloads, *([] if last.marker else [None])]
        before = last.number
        frame = _frame(formats, payloads)
        late_s = max(0.0, *(-packet.early_s for packet in packets))
        out.setdefault(round(timestamp_s * fps), replace(frame, late_s=late_s) if late_s else frame)
    return out


def _begins(formats: PayloadFormat, payload: bytes) -> bool:
    try:
        return formats.begins_sequence(payload)
    except PayloadError:
        return False


def _frame(formats: PayloadFormat, payloads: list[bytes | None]) -> ReceivedFrame:
    """The frame of these payloads; one that is malformed counts as missing."""
    try:
        unit = formats.depacketize(payloads)
    except PayloadError:
        payloads = [None if p is None or not _parses(formats, p) else p for p in payloads]
        try:
            unit = formats.depacketize(payloads)
        except PayloadError:
            return ReceivedFrame("missing", b"", key=False)
    return ReceivedFrame(unit.status, unit.leading, formats.is_key(unit))


def _parses(formats: PayloadFormat, payload: bytes) -> bool:
    try:
        formats.depacketize([None, payload, None])
    except PayloadError:
        return False
    return True
