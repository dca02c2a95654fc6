"""The quantizer that meets a target rate."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from lossweep.endpoints.codecs.video.codec import Codec
from lossweep.endpoints.codecs.video.encode import Coded

TOLERANCE = 0.03


@dataclass(frozen=True)
class Target:
    """A wanted rate.

    Attributes:
        rate: above 0, in what `of` gives.
        of: the rate of a coded clip; it grows with the clip's bytes; infinite where they cannot be sent.
        unit: "bpp" or "bit/s".
    """

    rate: float
    of: Callable[[Coded], float] = lambda coded: coded.bpp
    unit: str = "bpp"

    def ratio(self, coded: Coded) -> float:
        """Rate of a coded clip as a multiple of the target."""
        return self.of(coded) / self.rate

    def text(self, rate: float) -> str:
        """A rate with its unit, for people."""
        return f"{rate / 1000:.4g} kbit/s" if self.unit == "bit/s" else f"{rate:.4f} {self.unit}"


def meet_rate(codec: Codec, target: Target, encode: Callable[[float], Coded]) -> tuple[Coded, str]:
    """Searches the quantizer for a target rate.

    The logarithm of the rate falls nearly linearly with the quantizer, so each step interpolates it between
    the two quantizers that enclose the target; what is nearest of all that was tried is returned.

    Args:
        encode: quantizer -> coded clip.
    Returns:
        The encoding nearest the target, and a note: "" when the rate is within 3 % of the target, else one
        sentence with the achieved rate and the reason.
    """
    fine, coarse = codec.quantizers
    ratios: dict[float, float] = {}

    def ratio(coded: Coded) -> float:
        if coded.quantizer not in ratios:
            ratios[coded.quantizer] = target.ratio(coded)
        return ratios[coded.quantizer]

    def distance(coded: Coded) -> float:
        return abs(math.log(ratio(coded)))

    low = encode(coarse)
    if ratio(low) >= 1 - TOLERANCE:
        return low, _note(codec, low, target, "floor")
    high = encode(max(fine, coarse - 16))
    while ratio(high) < 1 and high.quantizer > fine:
        low, high = high, encode(max(fine, high.quantizer - 10))
    best = min(low, high, key=distance)
    while distance(best) > math.log(1 + TOLERANCE / 2):
        share = 0.5
        if math.isfinite(ratio(high)):
            share = math.log(ratio(low)) / math.log(ratio(low) / ratio(high))
        share = min(max(share, 0.1), 0.9)
        quantizer = low.quantizer + share * (high.quantizer - low.quantizer)
        quantizer = round(quantizer / codec.quantizer_step) * codec.quantizer_step
        if not high.quantizer < quantizer < low.quantizer:
            break
        tried = encode(quantizer)
        best = min(best, tried, key=distance)
        low, high = (tried, high) if ratio(tried) < 1 else (low, tried)
    return best, _note(codec, best, target, "ceiling" if best.quantizer == fine else "nearest")


def _note(codec: Codec, coded: Coded, target: Target, what: str) -> str:
    if abs(target.ratio(coded) - 1) <= TOLERANCE:
        return ""
    where = f"at GOP {coded.gop}, {coded.width}x{coded.height}"
    reasons = {
        "floor": "its floor (the coarsest quantizer)",
        "ceiling": "its finest quantizer",
        "nearest": "the nearest that its quantizer steps give",
    }
    reached, wanted = target.text(target.of(coded)), target.text(target.rate)
    return f"{codec.name} {where}: {reached} instead of {wanted}, {reasons[what]}"
