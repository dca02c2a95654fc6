"""Which mechanisms a call uses."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from lossweep.sim.call.fec_rule import FecRule
from lossweep.sim.call.nack import NackRule
from lossweep.sim.call.rate_control import RateControl


@dataclass(frozen=True)
class Mechanisms:
    """The mechanisms of a call; each works without the others.

    Attributes:
        nack: generic NACK with retransmission; None without.
        fec: how many repair packets a block gets; None: as many as the packet code says.
        pli: whether the receiver asks for key frames.
        rate: starts a congestion control; None without.
        playout_delay_s: in seconds; what retransmission and key frames on request are planned for, and the wait from
            capture to playout where that does not adapt.
        adaptive_playout: whether the wait follows the arrivals, by the rules of WebRTC's jitter buffers.
        report_interval_s: between RTCP reports, > 0.
        transport_feedback_s: between messages of transport-wide feedback; None without.
        late_references: whether a late packet still serves the decoder.
        code_repairs: whether the packet code alone has repair packets.
    """

    nack: NackRule | None = None
    fec: FecRule | None = None
    pli: bool = False
    rate: Callable[[], RateControl] | None = None
    playout_delay_s: float = 0.2
    adaptive_playout: bool = False
    report_interval_s: float = 1.0
    transport_feedback_s: float | None = None
    late_references: bool = True
    code_repairs: bool = False

    @property
    def feedback(self) -> bool:
        """Whether anything needs the path back."""
        return self.nack is not None or self.pli or self.rate is not None or self.adapts

    @property
    def adapts(self) -> bool:
        """Whether the amount of FEC follows what the receiver reports."""
        return self.fec is not None and self.fec.needs_reports

    @property
    def give_up_s(self) -> float:
        """After how long a gap is no longer requested."""
        return math.inf if self.late_references else self.playout_delay_s

    @property
    def patience_s(self) -> float:
        """From the media time of a picture that cannot be decoded to the request for a key frame."""
        adds = self.fec is not None and self.fec.name != "none"
        repairs = self.nack is not None or adds or self.code_repairs
        return self.playout_delay_s if repairs else -math.inf
