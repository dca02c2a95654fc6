"""CoDel: a queue that drops packets when the queueing delay stays above a target for an interval."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator

import numpy as np

from lossweep.channels.drop_tail import Limit
from lossweep.channels.element import Stage
from lossweep.channels.packets import Packet, Packets
from lossweep.channels.service import UNITS_PER_BYTE, Service

TARGET_S = 0.005
INTERVAL_S = 0.1
MTU_BYTES = 1500


class Codel:
    """The decision of RFC 8289 at each dequeue, without the packets.

    Attributes:
        dropping: whether the queue is in the dropping state.
        count: drops since it entered that state.
        drop_next_s: when the next drop is due.
    Source: RFC 8289, Sections 5.3 to 5.6.
    """

    def __init__(self) -> None:
        self.dropping = False
        self.count = 0
        self.drop_next_s = 0.0
        self._last_count = 0
        self._first_above_s = 0.0

    def may_drop(self, waited_s: float, queued_bytes: int, now: float) -> bool:
        """Whether the packet at the head may be dropped: all have waited TARGET or more for an INTERVAL.

        Args:
            waited_s: of the packet at the head.
            queued_bytes: what remains behind it.
        """
        if waited_s < TARGET_S or queued_bytes <= MTU_BYTES:
            self._first_above_s = 0.0
            return False
        if not self._first_above_s:
            self._first_above_s = now + INTERVAL_S
            return False
        return now >= self._first_above_s

    def empty(self) -> None:
        """Notes that the queue is empty, which also ends the dropping state."""
        self._first_above_s = 0.0
        self.dropping = False

    def enter(self, now: float) -> None:
        """Enters the dropping state with a first drop, resuming the rate of drops if it was left not long ago."""
        self.dropping = True
        since = self.count - self._last_count
        recent = now - self.drop_next_s < 16 * INTERVAL_S
        self.count = since if since > 1 and recent else 1
        self.drop_next_s = control_law(now, self.count)
        self._last_count = self.count


def control_law(time_s: float, count: int) -> float:
    """When the drop after `count` drops is due: the interval shrinks with the square root of the count."""
    return time_s + INTERVAL_S / math.sqrt(count)


class CodelStage(Stage):
    """A link with a CoDel queue; a packet's fate is known when its turn comes."""

    def __init__(self, service: Service, limit: Limit) -> None:
        self._service = service
        self._limit = limit
        self._codel = Codel()
        self._queue: deque[tuple[Packet, float]] = deque()
        self._queued_bytes = 0
        self._end = -(1 << 62)
        self._free_s = -math.inf

    def send(self, packet: Packet, now: float) -> None:
        for sent, leave_s in self._until(now):
            self.clock.at(leave_s, self._leave, sent)
        self._enter(packet, now)
        for sent, leave_s in self._until(now):
            self.clock.at(leave_s, self._leave, sent)

    def _leave(self, packet: Packet, now: float) -> None:
        self.forward(packet, now)
        for sent, leave_s in self._until(now):
            self.clock.at(leave_s, self._leave, sent)

    def apply(self, packets: Packets, until_s: float) -> Packets:
        left: list[tuple[Packet, float]] = []
        for packet, time_s in zip(packets.rows(), packets.time_s.tolist(), strict=True):
            left += self._until(time_s)
            self._enter(packet, time_s)
            left += self._until(time_s)
        if until_s == math.inf:
            left += self._until(until_s)
        return pack(left)

    def _enter(self, packet: Packet, now: float) -> None:
        limit = self._limit
        full = limit.packets is not None and len(self._queue) >= limit.packets
        if limit.size_bytes is not None:
            full = full or self._queued_bytes + packet.size_bytes > limit.size_bytes
        if limit.wait_s is not None:
            ahead = self._queued_bytes * UNITS_PER_BYTE + max(self._end, self._service.work_at(now))
            full = full or self._service.time_of(ahead) - now > limit.wait_s
        if not full or (not self._queue and self._free_s <= now):
            self._queue.append((packet, now))
            self._queued_bytes += packet.size_bytes

    def _until(self, now: float) -> Iterator[tuple[Packet, float]]:
        """Starts sending what the link can start up to `now`; packets and when they leave."""
        while self._queue and self._free_s <= now:
            start_s = max(self._free_s, self._queue[0][1])
            packet = self._next(start_s)
            if packet is not None:
                work = max(self._end, self._service.work_at(start_s))
                self._end = work + packet.size_bytes * UNITS_PER_BYTE
                self._free_s = max(start_s, self._service.time_of(self._end))
                yield packet, self._free_s

    def _next(self, now: float) -> Packet | None:
        """The packet that is sent next, after the drops that are due; None if none is left."""
        codel = self._codel
        packet, may_drop = self._head(now)
        if codel.dropping:
            codel.dropping = may_drop
            while codel.dropping and now >= codel.drop_next_s:
                codel.count += 1
                packet, may_drop = self._head(now)
                if may_drop:
                    codel.drop_next_s = control_law(codel.drop_next_s, codel.count)
                codel.dropping = may_drop
        elif may_drop:
            packet, _ = self._head(now)
            codel.enter(now)
        return packet

    def _head(self, now: float) -> tuple[Packet | None, bool]:
        if not self._queue:
            self._codel.empty()
            return None, False
        packet, entered_s = self._queue.popleft()
        self._queued_bytes -= packet.size_bytes
        return packet, self._codel.may_drop(now - entered_s, self._queued_bytes, now)


def pack(left: list[tuple[Packet, float]]) -> Packets:
    """Packets and their times as arrays."""
    packets, times = [packet for packet, _ in left], [time_s for _, time_s in left]
    count = len(left)
    index, sbn, esi, size, copy, flipped = (
        np.fromiter(column, dtype=np.int64, count=count)
        for column in (
            (packet.index for packet in packets),
            (packet.sbn for packet in packets),
            (packet.esi for packet in packets),
            (packet.size_bytes for packet in packets),
            (packet.copy for packet in packets),
            (packet.flipped_bit for packet in packets),
        )
    )
    flips = flipped if (flipped >= 0).any() else None
    return Packets(index, sbn, esi, size, np.array(times), copy if copy.any() else None, flips)
