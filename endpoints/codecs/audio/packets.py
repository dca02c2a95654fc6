"""Coded speech as RTP packets in blocks, and which frames are there at the other end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.clip import SPEECH_RATE
from lossweep.endpoints.codecs.audio.encode import CodedSpeech
from lossweep.endpoints.fec.adu import RepairHeader, protect
from lossweep.sim.delivery import Delivery
from lossweep.sim.jitter_buffer import CLOCK_RESOLUTION_S
from lossweep.sim.rtp import RtpHeader
from lossweep.sim.stream import Block, Stream

SSRC, REPAIR_SSRC = 0x1055A0D0, 0x1055A0D1
REPAIR_PAYLOAD_TYPE = 107


def to_stream(
    coded: CodedSpeech,
    payloads: Sequence[bytes],
    payload_type: int,
    clock_rate: int,
    block_frames: int,
    looks_back: int,
    family: Any,
) -> Stream:
    """A packet a frame, in blocks of `block_frames`, with repair packets behind each block.

    RTP timestamps are presentation times: the sender knows the delay of its codec and says in its sender
    reports that tick 0 is that much before the clip's start (`session["clock_offset_s"]`). A packet that
    carries redundancy for frames before it is wanted when the oldest of them is played, so its media
    time, and with it the playout delay "auto", is theirs.

    Args:
        payloads: RTP payload of each frame's packet.
        clock_rate: ticks a second.
        looks_back: frames before its own that a packet also serves.
        family: packet-code family, of `lossweep.endpoints.fec`.
    Raises:
        ValueError: more packets in a block than the code takes.
    """
    frame_s, offset_s = coded.frame_samples / SPEECH_RATE, -coded.delay / SPEECH_RATE
    ticks = round(frame_s * clock_rate)
    packets: list[bytes] = []
    media, available, blocks = [], [], []
    repairs = 0
    for sbn, first in enumerate(range(0, len(payloads), block_frames)):
        numbers = range(first, min(first + block_frames, len(payloads)))
        code = family.make(len(numbers))
        start_s = offset_s + first * frame_s
        blocks.append(Block(sbn, len(packets), code, start_s, len(numbers) * frame_s))
        source = []
        for i in numbers:
            header = RtpHeader(
                payload_type, i % 2**16, i * ticks % 2**32, SSRC, marker=_marker(clock_rate, i)
            )
            source.append(header.serialize() + payloads[i])
            media.append(offset_s + max(i - looks_back, 0) * frame_s)
            available.append(coded.ready[i] / SPEECH_RATE)
        packets += source
        for esi, symbol in enumerate(protect(source, code), code.k):
            timestamp = numbers[-1] * ticks % 2**32
            header = RtpHeader(REPAIR_PAYLOAD_TYPE, repairs % 2**16, timestamp, REPAIR_SSRC)
            fec = RepairHeader(sbn % 2**24, esi, code.k, first % 2**16)
            packets.append(header.serialize() + fec.serialize() + symbol)
            media.append(start_s + max(-looks_back, -first) * frame_s)
            available.append(available[-1])
            repairs += 1
    session = {"frame_s": frame_s, "clock_offset_s": offset_s, "clock_rate": clock_rate}
    return Stream(tuple(packets), np.array(media), np.array(available), tuple(blocks), session)


def source_packets(stream: Stream) -> NDArray[np.int64]:
    """Index in the stream of each frame's packet, int64 [frames]."""
    return np.concatenate([np.arange(block.first, block.first + block.code.k) for block in stream.blocks])


def in_time(stream: Stream, delivery: Delivery, looks_back: int) -> NDArray[np.bool_]:
    """Which packets are there when a frame is played.

    Args:
        looks_back: the frame is this many before the packet's own.
    Returns:
        bool [frames], by the packet's own frame.
    """
    packets = source_packets(stream)
    session = stream.session
    played_s = session["clock_offset_s"] + (np.arange(len(packets)) - looks_back) * session["frame_s"]
    arrived_s = delivery.arrived_s[packets]
    by_itself = arrived_s <= played_s + delivery.playout_delay_s + CLOCK_RESOLUTION_S
    return by_itself | delivery.usable[packets]


def _marker(clock_rate: int, frame: int) -> bool:
    """Opus (48 kHz clock): the first packet of a talkspurt. AAC: every packet, it ends an access unit."""
    return frame == 0 or clock_rate == SPEECH_RATE
