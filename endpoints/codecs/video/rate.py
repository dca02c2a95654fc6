"""The quantizer that meets a target rate."""

from __future__ import annotations

import math
from collections.abc import Callable

from lossweep.endpoints.codecs.video.codec import Codec
from lossweep.endpoints.codecs.video.encode import Coded

TOLERANCE = 0.03


def meet_rate(codec: Codec, target_bpp: float, encode: Callable[[float], Coded]) -> tuple[Coded, str]:
    """Searches the quantizer for a target rate.

    The logarithm of the rate falls nearly linearly with the quantizer, so each step interpolates it between
    the two quantizers that enclose the target; what is nearest of all that was tried is returned.

    Args:
        target_bpp: wanted bits a pixel of the clip, > 0.
        encode: quantizer -> coded clip.
    Returns:
        The encoding nearest the target, and a note: "" when the rate is within 3 % of the target, else one
        sentence with the achieved rate and the reason.
    """
    fine, coarse = codec.quantizers
    low = encode(coarse)
    if low.bpp >= target_bpp * (1 - TOLERANCE):
        return low, _note(codec, low, target_bpp, "floor")
    high = encode(max(fine, coarse - 16))
    while high.bpp < target_bpp and high.quantizer > fine:
        low, high = high, encode(max(fine, high.quantizer - 10))
    best = min(low, high, key=lambda coded: _distance(coded, target_bpp))
    while _distance(best, target_bpp) > math.log(1 + TOLERANCE / 2):
        share = math.log(low.bpp / target_bpp) / math.log(low.bpp / high.bpp)
        share = min(max(share, 0.1), 0.9)
        quantizer = low.quantizer + share * (high.quantizer - low.quantizer)
        quantizer = round(quantizer / codec.quantizer_step) * codec.quantizer_step
        if not high.quantizer < quantizer < low.quantizer:
            break
        tried = encode(quantizer)
        best = min(best, tried, key=lambda coded: _distance(coded, target_bpp))
        low, high = (tried, high) if tried.bpp < target_bpp else (low, tried)
    return best, _note(codec, best, target_bpp, "ceiling" if best.quantizer == fine else "nearest")


def _distance(coded: Coded, target_bpp: float) -> float:
    return abs(math.log(coded.bpp / target_bpp))


def _note(codec: Codec, coded: Coded, target_bpp: float, what: str) -> str:
    if abs(coded.bpp / target_bpp - 1) <= TOLERANCE:
        return ""
    where = f"at GOP {coded.gop}, {coded.width}x{coded.height}"
    reasons = {
        "floor": "its floor (the coarsest quantizer)",
        "ceiling": "its finest quantizer",
        "nearest": "the nearest that its quantizer steps give",
    }
    return f"{codec.name} {where}: {coded.bpp:.4f} bpp instead of {target_bpp:.4f}, {reasons[what]}"
