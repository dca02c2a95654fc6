"""Coded speech as RTP packets in blocks, and the frames' packets at the other end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from lossweep.endpoints.clip import SPEECH_RATE
from lossweep.endpoints.codecs.audio.encode import CodedSpeech
from lossweep.endpoints.fec.code import CodeFamily
from lossweep.endpoints.fec.packets import repair_packets
from lossweep.endpoints.receiver import ReceivedPacket
from lossweep.endpoints.session import RepairStream, RtpStream
from lossweep.sim import rtp
from lossweep.sim.jitter_buffer import CLOCK_RESOLUTION_S
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
    family: CodeFamily,
) -> tuple[Stream, RtpStream]:
    """One packet per frame, in blocks of `block_frames`; repair packets are sent when what they depend on is there.

    RTP timestamps are presentation times. The decoder's delay (pre-skip, priming) comes before the clip's start:
    the first packets have a negative media time. A packet that carries redundancy for frames before it is wanted
    when the oldest of them is played, so its media time in the stream, and with it the playout delay "auto", is
    theirs; its timestamp is its own frame's.

    Args:
        payloads: RTP payload of each frame's packet.
        clock_rate: ticks per second.
        looks_back: frames before its own that a packet also serves.
    Raises:
        ValueError: more packets in a block than the code takes.
    """
    frame_s, offset_s = coded.frame_samples / SPEECH_RATE, -coded.delay / SPEECH_RATE
    ticks = round(frame_s * clock_rate)
    repair = RepairStream(REPAIR_SSRC, REPAIR_PAYLOAD_TYPE, family.parameters())
    number, first_repair = rtp.initial_sequence_number(SSRC), rtp.initial_sequence_number(REPAIR_SSRC)
    start = round(-offset_s * clock_rate)
    line = RtpStream("speech", SSRC, payload_type, clock_rate, number, start, repair)
    packets: list[bytes] = []
    media, available, blocks = [], [], []
    repairs = 0
    block_frames = len(payloads) if family.spans_stream else block_frames
    for sbn, first in enumerate(range(0, len(payloads), block_frames)):
        frames = range(first, min(first + block_frames, len(payloads)))
        code = family.make(len(frames))
        start_s = offset_s + first * frame_s
        blocks.append(Block(sbn, len(packets), code, start_s, len(frames) * frame_s))
        ready = [coded.ready[i] / SPEECH_RATE for i in frames]
        source = []
        for i in frames:
            # Opus: the first packet of a talkspurt (RFC 7587). AAC: a packet that ends an access unit (RFC 3640).
            marker = i == 0 or clock_rate == SPEECH_RATE
            header = rtp.RtpHeader(payload_type, (number + i) % 2**16, i * ticks % 2**32, SSRC, marker)
            source.append(header.serialize() + payloads[i])
            media.append(offset_s + max(i - looks_back, 0) * frame_s)
        packets += source
        available += ready
        last = [code.sent_after(esi) for esi in range(code.k, code.n)]
        timestamps = [(first + i) * ticks % 2**32 for i in last]
        packets += repair_packets(source, code, sbn, line, first_repair + repairs, timestamps)
        begin = media[-code.k :]
        media += [begin[code.played_with(esi)] for esi in range(code.k, code.n)]
        available += [ready[i] for i in last]
        repairs += len(last)
    return Stream(tuple(packets), np.array(media), np.array(available), tuple(blocks)), line


def by_frame(received: Sequence[ReceivedPacket], frame_samples: int) -> tuple[dict[int, ReceivedPacket], int]:
    """The packets by frame, and where the first frame begins.

    One packet per frame is sent, so all packets have the same distance between timestamp and number of frames
    before; a packet that does not is damaged and left out.

    Args:
        received: of the speech stream.
        frame_samples: samples per frame, at 16 kHz.
    Returns:
        frame -> packet; and the sample of the clip at which frame 0 begins, negative for a decoder with a delay.
    """
    if not received:
        return {}, 0
    begins = [round(p.media_time_s * SPEECH_RATE) - p.number * frame_samples for p in received]
    begin, _ = Counter(begins).most_common(1)[0]
    return {p.number: p for p, own in zip(received, begins, strict=True) if own == begin}, begin


def in_time(packet: ReceivedPacket, age: int, frame_samples: int) -> bool:
    """Whether a packet was there when the frame `age` before its own was played."""
    return packet.early_s >= age * frame_samples / SPEECH_RATE - CLOCK_RESOLUTION_S
