"""The part `call` of a scenario: which mechanisms react to the network, and the path back."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from lossweep.experiments.parts import Channel, Strict


class CallParams(Strict):
    """Mechanisms of a call. Without this part nothing reacts, and packets and their times are known beforehand.

    Attributes:
        reverse: the path back, as `channel`; where it names no delay, it has that of `path`. All that follows needs it.
        nack: lost packets are requested (generic NACK) and sent again (RTX).
        pli: the receiver asks for a key frame when a picture cannot be decoded in time.
        adaptive_fec: how many repair packets a block gets: "code" (as many as the packet code says), "none",
            "webrtc", "follow" (the reported loss), "oracle" (the path's own loss), "hybrid" (what retransmission
            cannot repair in time) or "hairpin" (only in the last round that fits).
        congestion_control: "none", "gcc" or "nada"; it drives the encoder's rate.
        playout: "fixed" (the wait is `path.playout_delay_s`) or "adaptive": NetEQ's rule for speech, the rule of
            WebRTC's video jitter buffer for frames, and the longer wait of both for a system with both.
        max_retries: requests for one packet.
        repeat: how often the clip is sent, one time after the other; more than once only without metrics.
        parties: senders with a receiver each that share the path; the row is about the first.
        party_interval_s: between their beginnings.
        report_interval_s: between RTCP reports.
        least_rate_bps, largest_rate_bps, start_rate_bps: of the congestion control.
    """

    reverse: Channel | None = None
    nack: bool = False
    pli: bool = False
    adaptive_fec: Literal["code", "none", "webrtc", "follow", "oracle", "hybrid", "hairpin"] = "code"
    congestion_control: Literal["none", "gcc", "nada"] = "none"
    playout: Literal["fixed", "adaptive"] = "fixed"
    max_retries: int = Field(100, ge=1, le=1000)
    repeat: int = Field(1, ge=1, le=1000)
    parties: int = Field(1, ge=1, le=20)
    party_interval_s: float = Field(0.0, ge=0)
    report_interval_s: float = Field(1.0, ge=0.05, le=60)
    least_rate_bps: float = Field(150_000, gt=0)
    largest_rate_bps: float = Field(1_500_000, gt=0)
    start_rate_bps: float = Field(300_000, gt=0)

    @property
    def needs_feedback(self) -> bool:
        """Whether a mechanism needs the path back."""
        fec = self.adaptive_fec not in ("code", "none", "oracle")
        return self.nack or self.pli or fec or self.congestion_control != "none"

    @property
    def needs_encoder(self) -> bool:
        """Whether frames are coded while the call runs."""
        reacts = self.pli or self.adaptive_fec != "code" or self.congestion_control != "none"
        return reacts or self.repeat > 1 or self.parties > 1

    @model_validator(mode="after")
    def _way_back(self) -> CallParams:
        if self.needs_feedback and self.reverse is None:
            raise ValueError(
                "nack, pli, adaptive_fec and congestion_control need feedback, and there is no path back; give "
                "reverse, such as {name: delay, propagation_delay_s: 0.04}"
            )
        if self.adaptive_fec in ("hybrid", "hairpin") and not self.nack:
            raise ValueError(
                f"adaptive_fec {self.adaptive_fec} is what retransmission leaves; set nack: true"
            )
        if not self.least_rate_bps <= self.start_rate_bps <= self.largest_rate_bps:
            raise ValueError("start_rate_bps must be within least_rate_bps and largest_rate_bps")
        return self
