"""Physical channels: what a radio link does to complex symbols; interface and registry."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.parameters import check_db, check_fields
from lossweep.channels.registry import Registry

PHYSICAL = Registry(
    "physical channel",
    "lossweep.physical",
    {
        "awgn": "lossweep.channels.awgn:Awgn",
        "rayleigh": "lossweep.channels.rayleigh:Rayleigh",
    },
)


@dataclass(frozen=True)
class ReceivedSymbols:
    """One transmission as a receiver has it.

    Attributes:
        symbols: complex64 [k], what the antenna gives.
        gain: complex64 [k], the channel's gain as the receiver knows it; ones where it knows none.
        noise_variance: of a complex symbol, as the receiver believes it.
    """

    symbols: NDArray[np.complex64]
    gain: NDArray[np.complex64]
    noise_variance: float

    def equalized(self) -> tuple[NDArray[np.complex64], NDArray[np.float32]]:
        """Symbols divided by the gain, and the noise variance of each, float32 [k]."""
        power = np.maximum(np.abs(self.gain) ** 2, 1e-9)
        symbols = (self.symbols * self.gain.conj() / power).astype(np.complex64)
        return symbols, (self.noise_variance / power).astype(np.float32)


class PhysicalChannel(ABC):
    """A channel for complex symbols of mean power 1 per transmission; a frozen dataclass, its fields are scenario keys.

    Attributes:
        name: as registered.
        snr_db: 10 log10(T / sigma^2) per complex symbol: T is the mean power that the sender may use, 1, and sigma^2
            the noise variance of a complex symbol.
        snr_est_db: what sender and receiver believe; None where it is the true value.
    Source: Zhang et al., "Deep Learning Enabled Semantic Communication Systems for Video Transmission", Section III.
    """

    name: ClassVar[str]
    snr_db: float
    snr_est_db: float | None

    def __post_init__(self) -> None:
        check_db("snr_db", self.snr_db)
        if self.snr_est_db is not None:
            check_db("snr_est_db", self.snr_est_db)

    @classmethod
    def from_params(cls, **params: Any) -> Self:
        """The channel from a scenario's parameters.

        Raises:
            ValueError: one line; a parameter is unknown, missing or out of its range.
        """
        check_fields(cls.name, cls, params)
        return cls(**params)

    @property
    def believed_db(self) -> float:
        """The SNR that sender and receiver believe, in dB."""
        return self.snr_db if self.snr_est_db is None else self.snr_est_db

    @property
    def noise_variance(self) -> float:
        """True noise variance of a complex symbol."""
        return 10.0 ** (-self.snr_db / 10)

    @abstractmethod
    def gains(self, symbols: int, rng: np.random.Generator) -> NDArray[np.complex64]:
        """The channel's gain for each symbol of a transmission, complex64 [symbols], E|h|^2 = 1."""

    @abstractmethod
    def known_gains(self, gains: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """The gains as the receiver knows them."""

    def transmit(self, symbols: NDArray[np.complex64], rng: np.random.Generator) -> ReceivedSymbols:
        """Sends one transmission.

        Args:
            symbols: complex64 [k].
            rng: of this transmission alone: what one transmission draws does not depend on the length of others.
        """
        gains = self.gains(len(symbols), rng)
        noise = rng.standard_normal((2, len(symbols))) * math.sqrt(self.noise_variance / 2)
        received = (gains * symbols + noise[0] + 1j * noise[1]).astype(np.complex64)
        return ReceivedSymbols(received, self.known_gains(gains), 10.0 ** (-self.believed_db / 10))


def generator(seed: int, repetition: int, transmission: int) -> np.random.Generator:
    """The random numbers of one transmission; equal for all systems of a comparison."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(repetition, transmission, 0x5E)))
