"""When each speech frame of a call was there, from when the packets that carry it were."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lossweep.sim.call.flow import Flow
from lossweep.sim.call.record import MediaPacket
from lossweep.sim.rtp import RTP_HEADER_BYTES


@dataclass(frozen=True)
class SpeechFrame:
    """One frame, which has a packet of its own and may be carried again by later ones.

    Attributes:
        number: of its packet in the stream.
        media_time_s: when it begins.
        arrived_s: when its own packet was there; inf where that never was.
        known_s: when the first packet that carries it was there; inf where none ever was.
    """

    number: int
    media_time_s: float
    arrived_s: float
    known_s: float


def speech_frames(
    packets: Sequence[MediaPacket],
    flow: Flow,
    carried: Callable[[bytes], Iterable[int]] = lambda payload: (0,),
) -> list[SpeechFrame]:
    """The frames of a flow, in order.

    Args:
        packets: of the call, other flows' among them.
        carried: an RTP payload -> which frames it carries, 0 for its own, 1 for the one before it.
    """
    own = sorted(
        (p for p in packets if p.number >= 0 and int.from_bytes(p.data[8:12], "big") == flow.ssrc),
        key=lambda packet: packet.number,
    )
    known = {packet.number: math.inf for packet in own}
    for packet in own:
        for age in carried(packet.data[RTP_HEADER_BYTES:]):
            if packet.number - age in known:
                known[packet.number - age] = min(known[packet.number - age], packet.known_s)
    return [
        SpeechFrame(
            packet.number,
            flow.media_time_s(int.from_bytes(packet.data[4:8], "big")),
            packet.known_s,
            known[packet.number],
        )
        for packet in own
    ]
