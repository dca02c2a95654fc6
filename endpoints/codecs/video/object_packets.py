"""Packetization `object`: every GOP is one source block of k = 32 symbols, one symbol per packet (SyncSC paper).

The RTP timestamp is that of the GOP's first frame. Packets are numbered block after block, n for each, so number
and n give block and encoding symbol ID (RFC 5510) without a byte of their own. RS codes have the paper's
lengths, RS(32, 63) at code rate 1/2 and RS(32, 127) at 1/4: n = k / code_rate - 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lossweep.endpoints.codecs.video.encode import Coded
from lossweep.endpoints.codecs.video.frames import ReceivedFrame
from lossweep.endpoints.fec.block_code import BlockCode
from lossweep.endpoints.fec.code import CodeFamily, family_of
from lossweep.endpoints.packetize.source_block import SourceBlockError, from_symbols, to_symbols
from lossweep.endpoints.receiver import ReceivedPacket
from lossweep.endpoints.session import FecParameters, RtpStream
from lossweep.sim import rtp
from lossweep.sim.stream import Block, Stream

K = 32
CLOCK_RATE = 90_000
PAYLOAD_TYPE = 96
SSRC = 0x10557EE9


def to_stream(coded: Coded, fps: float, family: CodeFamily) -> tuple[Stream, RtpStream]:
    """RTP packets of a coded clip, one source block per GOP, available when the GOP is captured."""
    code = family.make_object(K)
    line = RtpStream("video", SSRC, PAYLOAD_TYPE, CLOCK_RATE, rtp.initial_sequence_number(SSRC))
    packets: list[bytes] = []
    blocks, starts, ends = [], [], []
    for sbn, first in enumerate(range(0, len(coded.access_units), coded.gop)):
        units = coded.access_units[first : first + coded.gop]
        start, duration = first / fps, len(units) / fps
        blocks.append(Block(sbn, len(packets), code, start, duration))
        starts.append(start)
        ends.append(start + duration)
        for esi, symbol in enumerate(code.encode(to_symbols(units, K))):
            header = rtp.RtpHeader(
                payload_type=PAYLOAD_TYPE,
                sequence_number=(line.first_sequence_number + len(packets)) % 2**16,
                timestamp=line.timestamp(start),
                ssrc=SSRC,
                marker=esi == code.n - 1,
            )
            packets.append(header.serialize() + symbol)
    stream = Stream(tuple(packets), np.repeat(starts, code.n), np.repeat(ends, code.n), tuple(blocks))
    return stream, line


def frames(received: Sequence[ReceivedPacket], fec: FecParameters, fps: float) -> dict[int, ReceivedFrame]:
    """What of each frame is there, by frame number.

    Args:
        received: of the video stream.
        fec: the packet code of the session.
    """
    code = family_of(fec).make_object(K)
    blocks: dict[int, dict[int, ReceivedPacket]] = {}
    for packet in received:
        blocks.setdefault(packet.number // code.n, {})[packet.number % code.n] = packet
    out: dict[int, ReceivedFrame] = {}
    for _, packets in sorted(blocks.items()):
        start = round(next(iter(packets.values())).media_time_s * fps)
        for i, frame in enumerate(_block(code, packets)):
            out[start + i] = frame
    return out


def _block(code: BlockCode, packets: Mapping[int, ReceivedPacket]) -> list[ReceivedFrame]:
    symbols = {esi: packet.payload for esi, packet in packets.items()}
    try:
        arrivals = from_symbols(code.decode(symbols))
    except (SourceBlockError, ValueError):
        return []
    return [ReceivedFrame(a.status, a.leading, key=i == 0) for i, a in enumerate(arrivals)]
