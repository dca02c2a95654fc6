"""What of a frame is there at the receiver."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReceivedFrame:
    """An access unit at the receiver.

    Attributes:
        status: "whole", "damaged" (something of it is missing) or "missing" (nothing of it can be used).
        leading: its bytes before the first gap, as a decoder takes them.
        key: it begins a GOP: an IDR picture, or in AV1 a temporal unit with a sequence header.
        late_s: how long after its playout time it was complete, in seconds; 0 where it was in time.
    """

    status: str
    leading: bytes
    key: bool
    late_s: float = 0.0
