"""A recorded RTP stream as traffic: its times and sizes, and the losses that it had."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.captures import CapturedStream
from lossweep.channels.loss_records import extended
from lossweep.channels.loss_trace import GivenLosses
from lossweep.sim.rtp import RTP_HEADER_BYTES, RtpHeader
from lossweep.sim.stream import Block, Stream

BLOCK_PACKETS = 250
AS_RECORDED = 1e9
"""A pacing factor that leaves the recorded times as they are."""


class Unprotected:
    """A block of `k` packets without a code: packets are independent."""

    mds: ClassVar[bool] = True

    def __init__(self, k: int) -> None:
        self.k = self.n = k

    def recovers(self, arrived: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """What arrived."""
        return arrived


def recorded_traffic(captured: CapturedStream) -> tuple[Stream, GivenLosses]:
    """The traffic of a captured RTP stream, and a path element with its losses.

    Numbers missing between the first and the last packet were lost: they are sent between their neighbours, with the
    stream's median size. Payloads are zeros, since a capture may be cut short. Media time is the time of capture.
    """
    number = extended(captured.sequence_number)
    first = np.unique(number, return_index=True)[1]  # without duplicates
    number, time_s, size = number[first], captured.time_s[first], captured.size_bytes[first]
    count = int(number[-1]) + 1
    lost = np.ones(count, dtype=bool)
    lost[number] = False
    time_s = np.maximum.accumulate(time_s - time_s.min())
    times = np.interp(np.arange(count), number, time_s)
    sizes = np.full(count, int(np.median(size)))
    sizes[number] = size
    start = int(captured.sequence_number[first[0]])
    packets = tuple(
        RtpHeader(captured.payload_type, (start + i) % 2**16, 0, captured.ssrc).serialize()
        + bytes(max(0, length - RTP_HEADER_BYTES))
        for i, length in enumerate(sizes.tolist())
    )
    starts = range(0, count, BLOCK_PACKETS)
    blocks = tuple(
        Block(
            sbn, at, Unprotected(min(BLOCK_PACKETS, count - at)), float(times[at]), _lasts(times, at, count)
        )
        for sbn, at in enumerate(starts)
    )
    return Stream(packets, times, times, blocks), GivenLosses(tuple(lost.tolist()))


def _lasts(times: NDArray[np.float64], at: int, count: int) -> float:
    return float(times[min(at + BLOCK_PACKETS, count - 1)] - times[at])
