"""What was sent and what arrived, as captures that other programs read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lossweep.channels.pcap import udp_packet, write_pcap
from lossweep.endpoints.sdp import ports
from lossweep.endpoints.session import Session
from lossweep.sim.delivery import Delivery
from lossweep.sim.stream import Stream

FIRST_PORT = 5004
"""Wireshark takes UDP on this port for RTP."""


def write_sent(path: Path, stream: Stream, session: Session, delivery: Delivery) -> None:
    """All packets of a stream at the times at which they left, as pcap; one UDP port for each SSRC."""
    port = ports(session, FIRST_PORT)
    order = np.argsort(delivery.sent_s, kind="stable").tolist()
    write_pcap(path, _packets(((stream.packets[i], float(delivery.sent_s[i])) for i in order), port))


def write_received(path: Path, stream: Stream, session: Session, delivery: Delivery) -> None:
    """The packets that arrived at their times, late ones and duplicates included, as pcap."""
    port = ports(session, FIRST_PORT)
    write_pcap(path, _packets(((a.data, a.arrived_s) for a in delivery.arrivals(stream)), port))


def _packets(rows: Iterator[tuple[bytes, float]], port: dict[int, int]) -> Iterator[tuple[float, bytes]]:
    for number, (data, time_s) in enumerate(rows):
        ssrc = int.from_bytes(data[8:12], "big")
        yield max(0.0, time_s), udp_packet(data, port.get(ssrc, FIRST_PORT), number)
