"""When a receiver asks for a key frame by PLI: a picture can no longer be decoded in time (RFC 4585)."""

from __future__ import annotations

import math

from lossweep.sim.call.flow import Flow
from lossweep.sim.rtp import RtpHeader

LEAST_INTERVAL_S = 0.2
"""A request is repeated at the earliest after so long, and after the round trip."""


class KeyRequests:
    """Follows which packets of a video stream are there, and finds gaps that stop the decoder.

    A gap stops the decoder until the missing packets are there, or until a key frame begins after it. Where NACK or
    FEC may still close it, a key frame is asked for when the picture with the gap should have been played; otherwise
    at once. Requests are repeated until the gap is closed.

    Args:
        flow: the video stream.
        patience_s: from the media time of the picture after the gap until the request.
    """

    def __init__(self, flow: Flow, patience_s: float) -> None:
        self._flow, self._patience_s = flow, patience_s
        self._known: dict[int, tuple[float, bool]] = {}
        self._next = 0
        self._due_s = math.inf
        self._earliest_s = -math.inf

    def known(self, number: int, header: RtpHeader, payload: bytes, now: float) -> None:
        """Notes a packet that is there, however it came."""
        if number < self._next:
            return
        begins = self._flow.begins_key is not None and self._flow.begins_key(payload)
        self._known[number] = self._flow.media_time_s(header.timestamp), begins
        before = self._next
        self._advance()
        if self._next != before or (self._due_s == math.inf and self._known):
            self._due_s = self._deadline(now)

    def due(self, now: float, rtt_s: float) -> bool:
        """Whether a key frame is to be asked for now; the next request is due later then."""
        if now < self._due_s or not self._known:
            return False
        self._due_s = self._earliest_s = now + max(LEAST_INTERVAL_S, rtt_s)
        return True

    @property
    def next_s(self) -> float:
        """When the next request is due; inf where no gap is known."""
        return self._due_s if self._known else math.inf

    def _advance(self) -> None:
        while True:
            while self._next in self._known:
                del self._known[self._next]
                self._next += 1
            keys = [number for number, (_, begins) in self._known.items() if begins]
            if not keys:
                return
            self._next = max(keys)
            self._known = {number: at for number, at in self._known.items() if number >= self._next}

    def _deadline(self, now: float) -> float:
        if not self._known:
            return math.inf
        return max(now, self._earliest_s, self._known[min(self._known)][0] + self._patience_s)
