"""The Delivery from sent and arrived packets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.packets import Packets
from lossweep.sim.delivery import Delivery
from lossweep.sim.jitter_buffer import deadlines
from lossweep.sim.rtp import IP_UDP_HEADER_BYTES
from lossweep.sim.stream import Stream


@dataclass(frozen=True)
class Sent:
    """A stream ready for the path.

    Attributes:
        stream: what is sent.
        packets: its packets in order of departure.
    """

    stream: Stream
    packets: Packets

    @classmethod
    def of(cls, stream: Stream, order: NDArray[np.int64], plan: NDArray[np.float64]) -> Sent:
        """A stream with its sending plan (`lossweep.sim.sender.departures`).

        Raises:
            ValueError: an empty stream, or blocks that are not the stream's packets.
        """
        slots = stream.slots
        sbn, esi, size = slots.sbn, slots.esi, slots.size_bytes + IP_UDP_HEADER_BYTES
        packets = Packets(order, sbn, esi, size, plan)
        if not _is_range(order):
            packets = Packets(order, sbn[order], esi[order], size[order], plan)
        return cls(stream, packets)

    def wait_s(self) -> float:
        """The longest time that a packet spends at the sender after its media time."""
        return float(np.max(self.packets.time_s - self.stream.media_time_s[self.packets.index]))


def own(arrived: Packets) -> Packets:
    """The stream's packets among those that came out of the path, without cross traffic."""
    of_stream = arrived.index >= 0
    if of_stream.all():
        return arrived
    chosen = arrived.select(of_stream)
    return chosen if chosen.copies().any() else replace(chosen, copy=None)


def first_arrivals(count: int, arrived: Packets) -> NDArray[np.float64]:
    """When each of `count` packets arrived first, float64 [count]; inf where it never did."""
    arrived_s = np.full(count, np.inf)
    own = arrived.index >= 0
    index, time_s = (
        (arrived.index[own], arrived.time_s[own]) if not own.all() else (arrived.index, arrived.time_s)
    )
    if arrived.copy is not None:
        index, first = np.unique(index, return_index=True)
        time_s = time_s[first]
    arrived_s[index] = time_s
    return arrived_s


def playout_delay(
    sent: Sent, asked: float | Literal["auto"], path_delay_s: float | None, arrived_s: NDArray[np.float64]
) -> float:
    """The playout delay of a delivery.

    Args:
        asked: seconds, or "auto": the longest wait at the sender plus the path's delay; where that depends on the
            traffic, the longest time from media time to arrival.
        path_delay_s: the delay that nearly no packet exceeds; None where it depends on the traffic.
        arrived_s: float64 [packets]; inf where lost.
    Raises:
        ValueError: neither "auto" nor seconds, 0 or more.
    """
    if asked == "auto" and path_delay_s is not None:
        return max(0.0, sent.wait_s() + path_delay_s)
    if asked == "auto":
        waits = arrived_s - sent.stream.media_time_s
        return max(0.0, float(np.max(waits[np.isfinite(waits)], initial=0.0)))
    if not isinstance(asked, int | float) or not 0.0 <= asked < float("inf"):
        raise ValueError(f"playout_delay_s is {asked!r}; it must be 'auto' or seconds, 0 or more")
    return float(asked)


def delivery(
    sent: Sent,
    arrived: Packets,
    arrived_s: NDArray[np.float64],
    repaired_s: NDArray[np.float64],
    playout_delay_s: float,
) -> Delivery:
    """The delivery of a stream.

    Args:
        arrived: the stream's packets that came out of the path, in order of arrival.
        arrived_s: float64 [packets], in the stream's order; first arrivals, inf where lost.
        repaired_s: float64 [packets]; when FEC gives each source packet, inf where it does not.
        playout_delay_s: the wait between capture and display.
    """
    order = sent.packets.index
    lost = np.isinf(arrived_s)
    deadline_s = deadlines(sent.stream.media_time_s, playout_delay_s)
    in_time = arrived_s <= deadline_s
    recovered = ~in_time & (repaired_s <= deadline_s)
    altered = bool(arrived.copies().any() or (arrived.flipped_bits() >= 0).any())
    slots = sent.stream.slots
    return Delivery(
        sbn=slots.sbn,
        esi=slots.esi,
        source=slots.source,
        size_bytes=slots.size_bytes,
        sent_s=_by_stream(sent.packets.time_s, order),
        arrived_s=np.where(lost, np.nan, arrived_s),
        lost=lost,
        late=~lost & ~in_time,
        recovered=recovered,
        usable=in_time | recovered,
        playout_delay_s=playout_delay_s,
        datagrams=arrived if altered else None,
    )


def _by_stream(values: np.ndarray, order: NDArray[np.int64]) -> np.ndarray:
    """Values in order of departure, in the stream's order."""
    if _is_range(order):
        return values
    sorted_values = np.empty_like(values)
    sorted_values[order] = values
    return sorted_values


def _is_range(order: NDArray[np.int64]) -> bool:
    """Whether packets leave in the stream's order."""
    return bool(order[0] == 0 and np.all(order[1:] > order[:-1]))
