"""Packetization `object`: every GOP is one source block of k = 32 symbols, a symbol a packet (SyncSC paper).

The RTP timestamp names the GOP, and sequence_number = sbn n + esi (mod 2^16): with n known from the session
the header carries the FEC payload ID (RFC 5510) without a byte of its own. RS codes have the paper's lengths,
RS(32, 63) at code rate 1/2 and RS(32, 127) at 1/4: n = k / code_rate - 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lossweep.endpoints.codecs.video.encode import Coded
from lossweep.endpoints.packetize.source_block import Arrival, from_symbols, to_symbols
from lossweep.sim.rtp import RTP_HEADER_BYTES, RtpHeader
from lossweep.sim.stream import Block, Stream

K = 32
CLOCK_RATE = 90_000
PAYLOAD_TYPE = 96
SSRC = 0x10557EE9


def to_stream(coded: Coded, fps: float, family: Any) -> Stream:
    """RTP packets of a coded clip, one source block a GOP, available when the GOP is captured.

    Args:
        family: packet-code family, of `lossweep.endpoints.fec`.
    """
    code = family.make(K, K if family.code_rate == 1 else round(K / family.code_rate) - 1)
    packets: list[bytes] = []
    blocks, starts, ends = [], [], []
    for sbn, first in enumerate(range(0, len(coded.access_units), coded.gop)):
        units = coded.access_units[first : first + coded.gop]
        start, duration = first / fps, len(units) / fps
        blocks.append(Block(sbn, len(packets), code, start, duration))
        starts.append(start)
        ends.append(start + duration)
        for esi, symbol in enumerate(code.encode(to_symbols(units, K))):
            header = RtpHeader(
                payload_type=PAYLOAD_TYPE,
                sequence_number=(sbn * code.n + esi) % 2**16,
                timestamp=round(start * CLOCK_RATE) % 2**32,
                ssrc=SSRC,
                marker=esi == code.n - 1,
            )
            packets.append(header.serialize() + symbol)
    return Stream(tuple(packets), np.repeat(starts, code.n), np.repeat(ends, code.n), tuple(blocks))


def arrivals(stream: Stream, block: Block, usable: np.ndarray) -> list[Arrival]:
    """What of each access unit of a block is there.

    Args:
        usable: bool [k], by ESI: the source symbol is there in time. A recovered symbol equals what was sent
            (the code is MDS), so its bytes are taken from there.
    """
    symbols = stream.packets[block.first : block.first + K]
    return from_symbols(
        [packet[RTP_HEADER_BYTES:] if there else None for packet, there in zip(symbols, usable, strict=True)]
    )
