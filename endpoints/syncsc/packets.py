"""Rows of a face code in RTP packets, and back.

The RTP timestamp is that of the block's first frame. Packets are numbered block after block, n for each, so number
and n give block and encoding symbol ID without a byte of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.receiver import ReceivedPacket
from lossweep.endpoints.session import RtpStream
from lossweep.endpoints.syncsc.codes.code import FaceCode
from lossweep.sim import rtp
from lossweep.sim.jitter_buffer import CLOCK_RESOLUTION_S
from lossweep.sim.stream import Block, Stream

SSRC = 0x10557E8A
PAYLOAD_TYPE = 100
CLOCK_RATE = 90_000


def line() -> RtpStream:
    """The RTP stream of the coefficients."""
    return RtpStream("video", SSRC, PAYLOAD_TYPE, CLOCK_RATE, rtp.initial_sequence_number(SSRC))


def to_stream(code: FaceCode, coefficients: NDArray[np.float32], fps: float) -> Stream:
    """RTP packets of a clip's coefficients [frames, 16].

    A row is wanted as early as the frame that looks ahead to its block: its media time in the simulator is
    `look_ahead` frames before the one on the wire.
    """
    stream = line()
    frames, size, n = len(coefficients), code.layout.frames, code.block.n
    packets: list[bytes] = []
    blocks, media, available = [], [], []
    for sbn, rows in enumerate(code.encode(coefficients)):
        first = sbn * size
        timestamp = stream.timestamp(first / fps)
        blocks.append(Block(sbn, len(packets), code.block, first / fps, min(size, frames - first) / fps))
        media += [stream.media_time_s(timestamp) - code.layout.look_ahead / fps] * n
        for esi, (row, ready) in enumerate(zip(rows, code.ready.tolist(), strict=True)):
            header = rtp.RtpHeader(
                payload_type=PAYLOAD_TYPE,
                sequence_number=(stream.first_sequence_number + len(packets)) % 2**16,
                timestamp=timestamp,
                ssrc=SSRC,
                marker=esi == n - 1,
            )
            packets.append(header.serialize() + row)
            available.append((min(first + ready, frames - 1) + 1) / fps)
    return Stream(tuple(packets), np.array(media), np.array(available), tuple(blocks))


def rows(received: Sequence[ReceivedPacket], code: FaceCode, fps: float) -> list[list[bytes | None]]:
    """The rows that were there early enough to be looked ahead to, n of each block.

    A packet whose timestamp is not that of its block's first frame is damaged and left out.

    Returns:
        Blocks up to the last one of which something was there; empty where nothing was.
    """
    stream = line()
    n, early_s = code.block.n, code.layout.look_ahead / fps - CLOCK_RESOLUTION_S
    there: dict[int, dict[int, bytes]] = {}
    for packet in received:
        sbn, esi = divmod(packet.number, n)
        expected = stream.timestamp(sbn * code.layout.frames / fps)
        if packet.early_s >= early_s and packet.timestamp == expected:
            there.setdefault(sbn, {})[esi] = packet.payload
    return [[there.get(sbn, {}).get(esi) for esi in range(n)] for sbn in range(max(there, default=-1) + 1)]
