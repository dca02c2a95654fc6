"""Groups of pictures as transform coefficients in analog symbols, and the linear estimate of what was sent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.mcs import PAYLOAD_BYTES, SCHEMES
from lossweep.endpoints.jscc import spectrum
from lossweep.endpoints.jscc.transform import inverse, transform

SIDE_SYMBOLS = SCHEMES[0].symbols
"""Channel uses of the side information: one block of the most robust scheme."""
SNR_STEP_DB = 0.25
OCTAVE_STEPS = 64
SMALLEST = 1e-12


@dataclass(frozen=True)
class Side:
    """What the receiver of a group is told in bits, `PAYLOAD_BYTES` long.

    Attributes:
        mean: uint8 [3], mean red, green and blue; subtracted before the transform.
        snr_step: believed SNR in steps of `SNR_STEP_DB`, -127 to 127.
        scale_step: binary logarithm of the amplitude against what the variances promise, in 1 / `OCTAVE_STEPS`.
        numbers: int8 [spectrum.COUNT], see `spectrum`.
    """

    mean: NDArray[np.uint8]
    snr_step: int
    scale_step: int
    numbers: NDArray[np.int8]

    def to_bytes(self) -> bytes:
        """The block's payload."""
        steps = np.array([self.snr_step, self.scale_step], np.int8)
        return self.mean.tobytes() + steps.tobytes() + self.numbers.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Side:
        """The inverse of `to_bytes`; any `PAYLOAD_BYTES` bytes are valid."""
        steps = np.frombuffer(data[3:], np.int8)
        return cls(np.frombuffer(data[:3], np.uint8), int(steps[0]), int(steps[1]), steps[2:])


assert 3 + 2 + spectrum.COUNT == PAYLOAD_BYTES


@dataclass(frozen=True)
class Estimate:
    """The linear estimate of a group.

    Attributes:
        pictures: float64 [frames, height, width, 3], 0 to 255 and beyond.
        errors: expected mean squared errors by noise and by what was not sent, of pixels from 0 to 1.
    """

    pictures: NDArray[np.float64]
    errors: tuple[float, float]


def send(group: NDArray[np.uint8], believed_db: float, k: int) -> tuple[NDArray[np.complex64], Side]:
    """The symbols of a group, complex64 [k] of mean power 1, and its side information.

    Args:
        group: uint8 [frames, height, width, 3].
        believed_db: SNR that the sender believes.
        k: complex symbols; the coefficients with the largest variances are sent.
    """
    mean = np.rint(group.mean((0, 1, 2))).astype(np.uint8)
    coefficients = transform(group.astype(np.float64) - mean)
    numbers = spectrum.fit(coefficients)
    snr_step = int(np.clip(round(believed_db / SNR_STEP_DB), -127, 127))
    variance, places = _sent(spectrum.variances(numbers, *coefficients.shape[1:]), 2 * k)
    reals = np.zeros(2 * k)
    reals[: len(places)] = coefficients.ravel()[places] * _gains(variance, snr_step, k)
    power = np.sum(reals**2) / k
    if power < SMALLEST:  # a picture without anything in it: the receiver expects next to nothing
        reals, power = np.full(2 * k, np.sqrt(0.5)), 1.0
    scale_step = int(np.clip(round(-0.5 * np.log2(power) * OCTAVE_STEPS), -127, 127))
    symbols = (reals[0::2] + 1j * reals[1::2]) / np.sqrt(power)
    return symbols.astype(np.complex64), Side(mean, snr_step, scale_step, numbers)


def estimate(
    symbols: NDArray[np.complex64],
    noise: NDArray[np.float64],
    side: Side,
    frames: int,
    height: int,
    width: int,
) -> Estimate:
    """The pictures of least mean squared error among linear ones.

    Args:
        symbols: [k], equalised.
        noise: [k], variance of each complex symbol's noise.
    """
    all_variances = spectrum.variances(side.numbers, frames, height, width)
    variance, places = _sent(all_variances, 2 * len(symbols))
    gain = _gains(variance, side.snr_step, len(symbols)) * 2 ** (side.scale_step / OCTAVE_STEPS)
    reals = np.stack([symbols.real, symbols.imag], 1).ravel()[: len(places)].astype(np.float64)
    spread = np.repeat(noise, 2)[: len(places)] / 2
    weight = variance * gain / (variance * gain**2 + spread)
    coefficients = np.zeros(all_variances.size)
    coefficients[places] = weight * reals
    noise_error = float(np.sum(variance * (1 - weight * gain)))
    missing = max(float(all_variances.sum() - variance.sum()), 0.0)
    pictures = inverse(coefficients.reshape(all_variances.shape)) + side.mean
    pixels = all_variances.size * 255**2
    return Estimate(pictures, (noise_error / pixels, missing / pixels))


def _sent(variances: NDArray[np.float64], count: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The largest variances, falling, and their places."""
    flat = variances.ravel()
    places = np.argsort(-flat, kind="stable")[:count]
    return flat[places], places


def _gains(variance: NDArray[np.float64], snr_step: int, k: int) -> NDArray[np.float64]:
    """Gains of least mean squared error at an SNR, with expected power 1 per complex symbol.

    Minimises the sum of v / (1 + g^2 v / s) with the sum of g^2 v fixed: g^2 v = max(0, a sqrt(v) - s), where s is the
    noise's variance per real value. At high SNR this is SoftCast's v^-1/4; at low SNR weak coefficients get nothing.

    Source: Lee and Petersen, "Optimal linear coding for vector channels", IEEE Trans. Commun. 24(12), 1976.
    """
    noise = 10 ** (-snr_step * SNR_STEP_DB / 10) / 2
    root = np.sqrt(variance)
    level = (k + noise * np.arange(1, len(root) + 1)) / np.cumsum(root)
    active = np.flatnonzero(level * root > noise)[-1]
    return np.asarray(np.sqrt(np.maximum(level[active] * root - noise, 0) / variance))
