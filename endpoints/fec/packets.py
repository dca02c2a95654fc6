"""Repair packets as RTP packets of a stream of their own."""

from __future__ import annotations

from collections.abc import Sequence

from lossweep.endpoints.fec.block_code import BlockCode
from lossweep.endpoints.fec.code import family_of
from lossweep.endpoints.session import RtpStream
from lossweep.sim.rtp import RtpHeader


def repair_packets(
    source: Sequence[bytes],
    code: BlockCode,
    sbn: int,
    stream: RtpStream,
    first_number: int,
    timestamps: Sequence[int],
) -> list[bytes]:
    """RTP packets with the repair payloads of a block, by ESI.

    Args:
        source: the block's RTP packets, with sequence numbers that follow each other.
        code: of the block.
        sbn: source block number.
        stream: of the source packets, with its repair stream.
        first_number: of the first repair packet; wraps at 2^16.
        timestamps: RTP timestamp of each repair packet.
    """
    repair = stream.repair
    if repair is None:
        raise ValueError(f"stream {stream.name} has no repair stream")
    form = family_of(repair.fec).repair_format
    csrc = (stream.ssrc,) if form.names_source else ()
    packets = []
    for place, payload in enumerate(form.payloads(source, code, sbn)):
        number = (first_number + place) % 2**16
        header = RtpHeader(repair.payload_type, number, timestamps[place], repair.ssrc, csrc=csrc)
        packets.append(header.serialize() + payload)
    return packets
