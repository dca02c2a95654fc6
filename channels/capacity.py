"""A link of limited capacity with a queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from lossweep.channels.chance import Chance
from lossweep.channels.codel import CodelStage
from lossweep.channels.drop_tail import DropTailStage, Limit
from lossweep.channels.element import Element, Kind, Stage
from lossweep.channels.parameters import check_positive, is_number
from lossweep.channels.service import ConstantRate, Service, read_service

DEFAULT_QUEUE_S = 0.3
"""The tail-drop queue of RFC 8867's test cases."""


@dataclass(frozen=True, kw_only=True)
class Capacity(Element):
    """A bottleneck: packets leave one after the other at the link's capacity; what the queue cannot hold is lost.

    Sizes are those of IP packets. The queue is what waits; the packet that is being sent is not in it. A packet that
    would make the queue longer than its limit is dropped when it comes (drop-tail). With `aqm: codel` packets are also
    dropped when their turn comes, as CoDel decides.

    Attributes:
        capacity_bps: constant capacity, > 0.
        file: trace of a capacity that varies (Mahimahi, or rows of seconds and Mbit/s); instead of capacity_bps.
        begin: "random" (another place in the trace for each seed and repetition) or "start".
        queue_packets: limit in packets, an integer >= 1.
        queue_bytes: limit in bytes, > 0.
        queue_s: limit in time: a packet that would have to wait longer is dropped; > 0. At most one limit; 0.3 s if
            none is given.
        aqm: "none" or "codel".
    Raises:
        ValueError: a parameter out of its range, none or both of capacity_bps and file, several limits.
        TraceError: the trace cannot be used.
    Source: RFC 8289 (CoDel, with its TARGET of 5 ms and INTERVAL of 100 ms); RFC 8867, 300 ms queue.
    """

    capacity_bps: float | None = None
    file: str | None = None
    begin: Literal["random", "start"] = "random"
    queue_packets: int | None = None
    queue_bytes: float | None = None
    queue_s: float | None = None
    aqm: Literal["none", "codel"] = "none"

    name: ClassVar[str] = "capacity"
    kind: ClassVar[Kind] = Kind.CAPACITY

    def __post_init__(self) -> None:
        if (self.capacity_bps is None) == (self.file is None):
            raise ValueError("capacity: give either capacity_bps or the file of a trace")
        if self.capacity_bps is not None:
            check_positive("capacity_bps", self.capacity_bps, "bits/s")
        else:
            read_service(str(self.file))
        limits = [
            name for name in ("queue_packets", "queue_bytes", "queue_s") if getattr(self, name) is not None
        ]
        if len(limits) > 1:
            raise ValueError(f"capacity: give one limit of the queue, not {' and '.join(limits)}")
        for name, unit in (("queue_packets", "packets"), ("queue_bytes", "bytes"), ("queue_s", "seconds")):
            if getattr(self, name) is not None:
                check_positive(name, getattr(self, name), unit)
        if self.queue_packets is not None and (not is_number(self.queue_packets) or self.queue_packets % 1):
            raise ValueError(f"queue_packets is {self.queue_packets!r}; it must be an integer, 1 or more")
        if self.aqm not in ("none", "codel"):
            raise ValueError(f"aqm is {self.aqm!r}; it must be 'none' or 'codel'")
        if self.begin not in ("random", "start"):
            raise ValueError(f"begin is {self.begin!r}; it must be 'random' or 'start'")

    def expected_loss(self) -> float | None:
        return None

    def delay_quantile(self, q: float) -> float | None:
        return None

    def start(self, chance: Chance, end_s: float) -> Stage:
        place = float(chance.clock().random()) if self.begin == "random" else 0.0
        service: Service = (
            read_service(str(self.file), place)
            if self.capacity_bps is None
            else ConstantRate(self.capacity_bps)
        )
        queue_s = self.queue_s
        if self.queue_packets is None and self.queue_bytes is None and queue_s is None:
            queue_s = DEFAULT_QUEUE_S
        limit = Limit(packets=self.queue_packets, size_bytes=self.queue_bytes, wait_s=queue_s)
        return CodelStage(service, limit) if self.aqm == "codel" else DropTailStage(service, limit)
