"""From real features to complex symbols of exactly the power allowed, and back.

A transmission is normalised by itself, over the symbols that are sent and no others: never over a batch, and never over
zeros that are not sent. The factor is needed to undo it; the first symbols of each transmission carry it, and count.
"""

from __future__ import annotations

import torch
from torch import Tensor

PILOTS = 16
"""Complex symbols that carry the logarithm of the scale, repeated."""
SCALE_MIDDLE, SCALE_SPREAD = -0.1, 0.28
"""Mean and standard deviation of the natural logarithm of the scale over pictures; the pilots carry -+ 3 of them."""


def send(features: Tensor, k: int) -> Tensor:
    """One transmission per row: complex64 [batch, k] with mean power 1 over its k symbols.

    Args:
        features: float32 [batch, at least 2 * (k - PILOTS)]; the first are sent.
        k: complex symbols, more than PILOTS.
    """
    sent = features[:, : 2 * (k - PILOTS)]
    log_scale = torch.log(sent.square().mean(1, keepdim=True).sqrt() + 1e-6)
    value = ((log_scale - SCALE_MIDDLE) / SCALE_SPREAD).clamp(-3, 3)
    pilots = (torch.complex(value, value) / 2**0.5).expand(-1, PILOTS)
    left = k - PILOTS * value.square()
    energy = sent.square().sum(1, keepdim=True) + 1e-12
    sent = sent * (left / energy).sqrt()
    return torch.cat([pilots, torch.complex(sent[:, 0::2].contiguous(), sent[:, 1::2].contiguous())], 1)


def receive(symbols: Tensor, noise_variance: Tensor) -> tuple[Tensor, Tensor]:
    """The features as sent, with noise, and the noise's variance in their scale.

    Args:
        symbols: complex64 [batch, k].
        noise_variance: [batch] or [batch, k], of a complex symbol; under fading each symbol has its own.
    Returns:
        float32 [batch, 2 * (k - PILOTS)] twice: features, and the variance of each.
    """
    k = symbols.shape[1]
    variance = noise_variance if noise_variance.ndim == 2 else noise_variance[:, None]
    variance = variance.expand(-1, k)
    pilots, certain = symbols[:, :PILOTS], 1 / variance[:, :PILOTS]
    total = certain.sum(1, keepdim=True)
    heard = ((pilots.real + pilots.imag) * certain).sum(1, keepdim=True) / total / 2**0.5
    value = (heard / (1 + 1 / (2 * total))).clamp(-3, 3)
    left = k - PILOTS * value.square()
    rms = torch.exp(value * SCALE_SPREAD + SCALE_MIDDLE)
    factor = rms * (2 * (k - PILOTS) / left).sqrt()
    features = torch.view_as_real(symbols[:, PILOTS:]).flatten(1) * factor
    return features, (variance[:, PILOTS:] / 2 * factor.square()).repeat_interleave(2, 1)
