"""NetEQ's delay for speech: a quantile of relative arrival delays (WebRTC's rule)."""

from __future__ import annotations

from collections import deque

QUANTILE, FORGET, START_WEIGHT = 0.95, 0.983, 2.0
BUCKET_S, BUCKETS = 0.02, 100
INTERVAL_S, WINDOW_S = 0.5, 2.0
START_S = 0.08
REORDER_FORGET, S_PER_LOSS_PERCENT = 0.9993, 0.02


class NetEq:
    """Estimates the delay of the speech buffer.

    A packet's relative delay is its delay less the smallest of the last 2 s. The largest of each 500 ms goes into a
    histogram of 20 ms buckets that forgets by 0.983; the target is the upper end of the bucket of its 0.95 quantile. A
    second histogram, of reordered packets, forgets by 0.9993 and chooses the delay with the least cost: 20 ms for each
    percent of packets that would come too late. The larger of both counts. A lost packet changes neither.

    Source: WebRTC, modules/audio_coding/neteq (constants).
    """

    def __init__(self) -> None:
        self._histogram = _Histogram(FORGET, START_WEIGHT)
        self._reordered = _Histogram(REORDER_FORGET, 0.0)
        self._delays: deque[tuple[float, float]] = deque()
        self._interval_s: float | None = None
        self._largest_s = 0.0
        self._newest = -1
        self._target_s = START_S
        self._reorder_s = 0.0

    def arrive(self, number: int, media_time_s: float, arrived_s: float) -> None:
        """Notes a packet, in order of arrival."""
        delay_s = arrived_s - media_time_s
        self._delays.append((arrived_s, delay_s))
        while self._delays[0][0] < arrived_s - WINDOW_S:
            self._delays.popleft()
        relative_s = delay_s - min(delay for _, delay in self._delays)
        late = number < self._newest
        self._newest = max(self._newest, number)
        self._reordered.add(_bucket(relative_s) if late else 0)
        self._reorder_s = self._reordered.cheapest() * BUCKET_S
        if late:
            return
        if self._interval_s is None:
            self._interval_s = arrived_s
        self._largest_s = max(self._largest_s, relative_s)
        if arrived_s - self._interval_s >= INTERVAL_S:
            self._histogram.add(_bucket(self._largest_s))
            self._target_s = (self._histogram.quantile(QUANTILE) + 1) * BUCKET_S
            self._interval_s, self._largest_s = arrived_s, 0.0

    @property
    def target_s(self) -> float:
        """The delay of the buffer beyond the smallest delay of the path, in seconds."""
        return max(self._target_s, self._reorder_s)


class _Histogram:
    """Shares of buckets; older values weigh less, and the first ones count more than in a steady state."""

    def __init__(self, forget: float, start_weight: float) -> None:
        self._shares = [0.0] * BUCKETS
        self._forget, self._start_weight, self._count = forget, start_weight, 0

    def add(self, bucket: int) -> None:
        self._count += 1
        forget = self._forget
        if self._start_weight:
            forget = min(forget, max(0.0, 1 - self._start_weight / (self._count + 1)))
        else:
            forget = min(forget, 1 - 1 / self._count)
        self._shares = [share * forget for share in self._shares]
        self._shares[bucket] += 1 - forget

    def quantile(self, q: float) -> int:
        total, below = sum(self._shares), 0.0
        for bucket, share in enumerate(self._shares):
            below += share
            if below >= q * total:
                return bucket
        return BUCKETS - 1

    def cheapest(self) -> int:
        """The bucket with the least sum of its delay and 20 ms for each percent beyond it."""
        total = sum(self._shares) or 1.0
        beyond, best, cost = 1.0, 0, float("inf")
        for bucket, share in enumerate(self._shares):
            beyond -= share / total
            here = bucket * BUCKET_S + S_PER_LOSS_PERCENT * 100 * max(beyond, 0.0)
            if here < cost - 1e-12:
                best, cost = bucket, here
        return best


def _bucket(delay_s: float) -> int:
    return min(BUCKETS - 1, int(delay_s / BUCKET_S + 1e-9))
