"""The interface of endpoints that send over a physical channel: what crosses it, and nothing else does.

An endpoint with `carries = "symbols"` is registered beside the others. Its clip crosses the channel as transmissions:
complex symbols as they are (analog), or transport blocks of bytes that a modulation and coding scheme carries. A block
fails with the measured block error rate of its scheme at the channel's SNR; its receiver then has nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from lossweep.channels.errors import LossweepError, OptionError
from lossweep.channels.mcs import SCHEMES
from lossweep.channels.physical import PhysicalChannel, ReceivedSymbols, generator
from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.endpoint import Scalar, Truth
from lossweep.endpoints.fec.code import CodeFamily

S = TypeVar("S")
POWER_TOLERANCE = 1e-3
NO_SYMBOLS = np.zeros(0, np.complex64)


class SymbolError(LossweepError, ValueError):
    """What an endpoint cannot send over a physical channel: one line, what is wrong and what to do."""


@dataclass(frozen=True)
class Transmission:
    """What is sent in one go, under one power constraint.

    Attributes:
        symbols: complex64 [k] of mean power 1; empty where nothing is sent as it is.
        blocks: transport blocks.
        mcs: number of the scheme in `mcs.SCHEMES` that carries the blocks.
        signalling: further channel uses, for what tells the receiver how the rest is sent.
        bound: the blocks never fail, and `signalling` holds the channel uses of all: a bound, no system.
    """

    symbols: NDArray[np.complex64] = field(default_factory=lambda: NO_SYMBOLS)
    blocks: tuple[bytes, ...] = ()
    mcs: int = 0
    signalling: int = 0
    bound: bool = False

    def __post_init__(self) -> None:
        if len(self.symbols):
            power = float(np.mean(np.abs(self.symbols) ** 2))
            if abs(power - 1) > POWER_TOLERANCE:
                raise SymbolError(f"symbols of mean power {power:.4f}; a transmission has mean power 1")

    @property
    def uses(self) -> int:
        """Complex channel uses of all of it."""
        blocks = 0 if self.bound else len(self.blocks) * SCHEMES[self.mcs].symbols
        return len(self.symbols) + blocks + self.signalling


@dataclass(frozen=True)
class Reception:
    """What a receiver has of a transmission.

    Attributes:
        received: the symbols, with noise.
        blocks: None for a block whose CRC failed.
    """

    received: ReceivedSymbols
    blocks: tuple[bytes | None, ...] = ()


@dataclass(frozen=True)
class EncodedSymbols(Generic[S]):
    """A clip as such a sender encodes it; as `endpoint.Encoded`, with transmissions in place of packets."""

    transmissions: tuple[Transmission, ...]
    session: S
    columns: Mapping[str, Scalar] = field(default_factory=dict)
    truth: Truth = field(default_factory=Truth)

    @property
    def uses(self) -> int:
        """Complex channel uses of the whole clip."""
        return sum(one.uses for one in self.transmissions)


class SymbolEndpoint(Protocol):
    """As `endpoint.Endpoint`, over a physical channel."""

    Params: type[BaseModel]
    carries: str
    sends: str
    name: str
    label: str
    title: str

    def encode(self, clip: Clip, channel: PhysicalChannel) -> EncodedSymbols[object]:
        """The transmissions for `clip`.

        Args:
            channel: the sender reads its kind and `believed_db`, and no true SNR that differs from that.
        Raises:
            ClipError: the clip lacks what this endpoint sends.
            SymbolError: too few channel uses for what has to be sent.
        """
        ...

    @classmethod
    def decode(cls, received: Sequence[Reception], session: object, device: str = "cpu") -> Playback:
        """The playback; a pure function of its arguments."""
        ...


def without_code(name: str, code: CodeFamily) -> CodeFamily:
    """The code, which must add nothing: symbols have no packets that a packet code could protect.

    Raises:
        OptionError: another code than `none`.
    """
    if code.name != "none":
        raise OptionError(
            f"endpoint {name} sends symbols and takes no packet code; leave code {code.name} out"
        )
    return code


def transmit(
    transmissions: Sequence[Transmission], channel: PhysicalChannel, seed: int, repetition: int
) -> tuple[Reception, ...]:
    """Sends transmissions over a channel. Equal arguments give equal receptions, bit for bit."""
    out = []
    for number, one in enumerate(transmissions):
        rng = generator(seed, repetition, number)
        received = channel.transmit(one.symbols, rng)
        failing = _failing(one, channel, generator(seed, repetition, -1 - number & 0xFFFFFFFF))
        blocks = tuple(
            None if failed else block for block, failed in zip(one.blocks, failing.tolist(), strict=True)
        )
        out.append(Reception(received, blocks))
    return tuple(out)


def _failing(one: Transmission, channel: PhysicalChannel, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which blocks fail. A block sees the mean mutual information of its symbols' gains (Gaussian inputs)."""
    scheme = SCHEMES[one.mcs]
    if not one.blocks or one.bound:
        return np.zeros(len(one.blocks), bool)
    gains = channel.gains(len(one.blocks) * scheme.symbols, rng).reshape(len(one.blocks), -1)
    snr = np.abs(gains.astype(np.complex128)) ** 2 / channel.noise_variance
    effective = np.exp2(np.log2(1 + snr).mean(1)) - 1
    rates = scheme.block_error_rate(10 * np.log10(np.maximum(effective, 1e-10)))
    return np.asarray(rng.random(len(one.blocks)) < rates)
