"""Packetization `rtp`: the codecs' own payload formats, protected as ADUs.

Source packets are the packets of RFC 6184, RFC 7798 or the AV1 RTP specification, each sent when its frame is
captured. A block is a GOP; its repair packets follow when it is complete, a stream of their own (RFC 6865).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from lossweep.endpoints.codecs.video.encode import Coded
from lossweep.endpoints.fec.adu import RepairHeader, protect
from lossweep.endpoints.packetize.source_block import Arrival
from lossweep.sim.rtp import RTP_HEADER_BYTES, RtpHeader
from lossweep.sim.stream import Block, Stream

CLOCK_RATE = 90_000
MEDIA = {"payload_type": 96, "ssrc": 0x10557EE9}
REPAIR = {"payload_type": 97, "ssrc": 0x10557EEA}


def to_stream(coded: Coded, fps: float, family: Any, max_payload_size: int) -> Stream:
    """RTP packets of a coded clip in its payload format, with repair packets block by block.

    Args:
        family: packet-code family, of `lossweep.endpoints.fec`.
        max_payload_size: bytes of RTP payload a source packet at most.
    Raises:
        ValueError: more packets in a GOP than the code takes.
    """
    payload_format = _format(coded.codec)
    packets: list[bytes] = []
    media_time, available, blocks, frames_of_packets = [], [], [], []
    sent = {"media": 0, "repair": 0}
    for sbn, first in enumerate(range(0, len(coded.access_units), coded.gop)):
        units = coded.access_units[first : first + coded.gop]
        source: list[bytes] = []
        base = sent["media"]
        for index, unit in enumerate(units, first):
            payloads = payload_format.packetize(unit, max_payload_size)
            for position, payload in enumerate(payloads):
                header = RtpHeader(
                    **MEDIA,
                    sequence_number=sent["media"] % 2**16,
                    timestamp=round(index / fps * CLOCK_RATE) % 2**32,
                    marker=position == len(payloads) - 1,
                )
                source.append(header.serialize() + payload)
                sent["media"] += 1
                frames_of_packets.append(index)
                media_time.append(index / fps)
                available.append(index / fps)
        code = family.make(len(source))
        blocks.append(Block(sbn, len(packets), code, first / fps, len(units) / fps))
        packets += source
        last = (first + len(units) - 1) / fps
        for esi, symbol in enumerate(protect(source, code), len(source)):
            fec = RepairHeader(sbn, esi, code.k, base % 2**16)
            rtp = RtpHeader(
                **REPAIR,
                sequence_number=sent["repair"] % 2**16,
                timestamp=round(last * CLOCK_RATE) % 2**32,
            )
            packets.append(rtp.serialize() + fec.serialize() + symbol)
            sent["repair"] += 1
            media_time.append(first / fps)
            available.append(last)
    session = {"frame": _frames(blocks, frames_of_packets), "codec": coded.codec}
    return Stream(tuple(packets), np.array(media_time), np.array(available), tuple(blocks), session)


def arrivals(stream: Stream, block: Block, usable: np.ndarray) -> list[Arrival]:
    """What of each access unit of a block is there.

    Args:
        usable: bool [k], by ESI: the source packet is there in time.
    """
    payload_format = _format(stream.session["codec"])
    frames = stream.session["frame"][block.sbn]
    out = []
    for frame in sorted(set(frames)):
        members = [esi for esi, f in enumerate(frames) if f == frame]
        payloads = [
            stream.packets[block.first + esi][RTP_HEADER_BYTES:] if usable[esi] else None for esi in members
        ]
        unit = payload_format.depacketize(payloads)
        out.append(Arrival(unit.status, unit.ranges, unit.leading))
    return out


def _format(codec: str) -> Any:
    return import_module(f"lossweep.endpoints.packetize.{codec}")


def _frames(blocks: list[Block], frames_of_packets: list[int]) -> list[list[int]]:
    ends = np.cumsum([block.code.k for block in blocks])
    return [part.tolist() for part in np.split(np.array(frames_of_packets), ends[:-1])]
