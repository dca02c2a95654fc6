"""The sender: when each packet leaves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.element import Clock
from lossweep.channels.packets import Packet, Packets
from lossweep.sim.stream import Stream

_SAME_TIME_S = 1e-6


def departures(stream: Stream, pacing_factor: float = 2.5) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The paced sending plan.

    Packets that become available together leave in the stream's order, the first at once, the others evenly
    spaced over 1 / pacing_factor of the time until the next packets become available (for the last ones:
    the time since those before them; where all come at once: their block's duration). WebRTC's pacer, which
    this follows, drains a token bucket at 2.5 times the target bitrate instead, and so looks at bytes; here a
    packet is a packet, because slots of equal spacing let streams be compared slot by slot.

    Args:
        stream: its packets.
        pacing_factor: >= 1; so that packets have left before the next ones are there.
    Returns:
        order, int64 [packets]: the packets in order of departure (stream order within equal times), and
        departure times, float64 [packets] in that order, nondecreasing.
    Raises:
        ValueError: pacing_factor < 1.
    """
    if not pacing_factor >= 1.0:
        raise ValueError(f"pacing_factor is {pacing_factor!r}; it must be 1 or more")
    available = stream.available_s
    order = np.arange(len(available))
    if np.any(available[1:] < available[:-1]):
        order = np.argsort(available, kind="stable")
        available = available[order]
    first = np.flatnonzero(np.diff(available, prepend=-np.inf) > _SAME_TIME_S)
    sizes = np.diff(first, append=len(order))
    gaps = np.diff(available[first])
    last_gap = gaps[-1] if len(gaps) else stream.blocks[-1].media_duration_s
    gaps = np.append(gaps, last_gap)
    place = np.arange(len(order)) - np.repeat(first, sizes)
    plan = np.repeat(available[first], sizes) + place * np.repeat(gaps / sizes / pacing_factor, sizes)
    return order, plan


class Sender:
    """Hands packets to the path, each at its time.

    Args:
        clock: simulated time.
        packets: in order of departure.
        send: takes a packet and the time.
    """

    def __init__(self, clock: Clock, packets: Packets, send: Callable[[Packet, float], None]) -> None:
        self._at = clock.at
        self._send = send
        self._left = iter(packets.rows())
        self._times_s = iter(packets.time_s.tolist())

    def start(self) -> None:
        """Schedules the first packet; each one schedules the next."""
        packet = next(self._left, None)
        if packet is not None:
            self._at(next(self._times_s), self._departs, packet)

    def _departs(self, packet: Packet, now: float) -> None:
        self._send(packet, now)
        self.start()
