"""SoftCast: a linear analog code for video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from lossweep.channels.mcs import PAYLOAD_BYTES, SCHEMES
from lossweep.channels.physical import PhysicalChannel
from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.fec.code import CodeFamily
from lossweep.endpoints.jscc.contract import (
    EncodedSymbols,
    Reception,
    SymbolError,
    Transmission,
    without_code,
)
from lossweep.endpoints.jscc.gops import gops, playback, uses_of
from lossweep.endpoints.jscc.transform import inverse, to_pixels, transform

MIDDLE = 127.5
"""Subtracted from pixels."""
LEVEL_BITS = 6
LOWEST_LEVEL, LEVEL_STEP = -4.0, 0.5
"""Natural logarithms of the chunks' standard deviations are sent as LOWEST + step * level, level 0 to 63."""
LEAST_STEP = 1e-9


class SoftcastParams(BaseModel):
    """Options of SoftCast.

    Attributes:
        rho: complex channel uses per colour value, all that is sent included.
        gop: pictures that are transformed together.
        chunk: height and width of a chunk in coefficients; it must divide the picture's.
    """

    model_config = ConfigDict(extra="forbid")
    name: Literal["softcast"] = "softcast"
    rho: float = Field(1 / 32, gt=0, le=1)
    gop: int = Field(8, ge=1, le=64)
    chunk: int = Field(16, ge=1)


@dataclass(frozen=True)
class SoftcastSession:
    """What the receiver knows beforehand: sizes and options.

    Attributes:
        width, height: of the pictures.
        fps: pictures per second.
        frames: of each group of pictures.
        chunk: see `SoftcastParams`.
    """

    width: int
    height: int
    fps: float
    frames: tuple[int, ...]
    chunk: int


class SoftcastEndpoint:
    """3-D DCT of a group of pictures, chunks with the largest variance, power by variance, linear estimation.

    Which chunks are sent and their variances are side information: bits, in transport blocks of the most robust scheme,
    whose channel uses count. A group whose side information fails is not shown.

    Deviations from the source: chunks are not mixed by a Hadamard transform, as AWGN needs none; the side information
    is coded digitally with positions as gaps (Elias gamma) and 6 bits per variance.

    Source: Jakubczak and Katabi, "A cross-layer design for scalable mobile video", MobiCom 2011.
    """

    Params = SoftcastParams
    carries = "symbols"
    sends = "video"
    title = "SoftCast"

    def __init__(self, params: SoftcastParams, code: CodeFamily, device: str = "cpu") -> None:
        self.params, self.code = params, without_code(params.name, code)
        self.name = self.label = "softcast"

    def encode(self, clip: Clip, channel: PhysicalChannel) -> EncodedSymbols[SoftcastSession]:
        """See `SymbolEndpoint.encode`."""
        chunk, sent, frames = self.params.chunk, [], []
        height, width = (0, 0)
        for group in gops(clip, self.params.gop, multiple=chunk):
            height, width = group.shape[1:3]
            uses = uses_of(self.params.rho, len(group), height, width, SCHEMES[0].symbols + 1)
            sent.append(_send(group, chunk, uses))
            frames.append(len(group))
        session = SoftcastSession(width, height, clip.fps, tuple(frames), chunk)
        return EncodedSymbols(
            tuple(sent), session, {"codec": "softcast", **self.params.model_dump(exclude={"name"})}
        )

    @classmethod
    def decode(cls, received: Sequence[Reception], session: SoftcastSession, device: str = "cpu") -> Playback:
        """See `SymbolEndpoint.decode`."""
        pictures: list[NDArray[np.uint8] | None] = []
        for reception, frames in zip(received, session.frames, strict=True):
            group = _receive(reception, frames, session)
            pictures += [None] * frames if group is None else list(group)
        return playback(pictures, session.width, session.height, session.fps)


def _send(group: NDArray[np.uint8], chunk: int, uses: int) -> Transmission:
    """As many of the strongest chunks as fit into the channel uses, side information included."""
    chunks = _chunks(transform(group - MIDDLE), chunk)
    variance = chunks.var(1) + chunks.mean(1) ** 2
    order = np.argsort(-variance, kind="stable")
    size = chunk * chunk
    count = min(2 * uses // size, len(order))
    while True:
        if count < 1:
            raise SymbolError(
                f"{uses} channel uses are too few for one chunk of {size} coefficients and its side information; "
                "choose a smaller chunk or a larger rho"
            )
        places = np.sort(order[:count])
        levels = _levels(variance[places])
        blocks = _blocks(_side_bits(places, levels))
        if len(blocks) * SCHEMES[0].symbols + -(-count * size // 2) <= uses:
            break
        count -= 1
    deviation = _deviations(levels)
    sent = (chunks[places] * _gains(deviation)[:, None]).ravel()
    sent = np.append(sent, np.zeros(len(sent) % 2))
    symbols = sent[0::2] + 1j * sent[1::2]
    scale = np.sqrt(np.mean(np.abs(symbols) ** 2))
    return Transmission((symbols / scale).astype(np.complex64), blocks)


def _receive(reception: Reception, frames: int, session: SoftcastSession) -> NDArray[np.uint8] | None:
    side = _side(reception.blocks)
    if side is None:
        return None
    places, levels = side
    chunk, size = session.chunk, session.chunk**2
    total = 3 * frames * (session.height // chunk) * (session.width // chunk)
    symbols, noise = reception.received.equalized()
    if not len(places) or places[-1] >= total or 2 * len(symbols) < len(places) * size:
        return None
    deviation = _deviations(levels)
    gain = _gains(deviation)
    power = float(np.mean(gain**2 * deviation**2))
    """Expected power of what was sent before it was normalised; the receiver knows it from the variances."""
    reals = np.stack([symbols.real, symbols.imag], 1).ravel()[: len(places) * size].reshape(-1, size)
    spread = np.repeat(noise, 2)[: len(places) * size].reshape(-1, size) / 2
    gain = gain[:, None] / np.sqrt(2 * power)
    variance = deviation[:, None] ** 2
    estimate = reals * variance * gain / (variance * gain**2 + spread)
    chunks = np.zeros((total, size))
    chunks[places] = estimate
    shape = (3, frames, session.height, session.width)
    return to_pixels(inverse(_unchunked(chunks, shape, chunk)) + MIDDLE)


def _chunks(coefficients: NDArray[np.float64], chunk: int) -> NDArray[np.float64]:
    """[chunks, chunk * chunk], in order of frequency: low rows, columns and times first."""
    planes, frames, height, width = coefficients.shape
    cut = coefficients.reshape(planes, frames, height // chunk, chunk, width // chunk, chunk)
    return cut.transpose(2, 4, 1, 0, 3, 5).reshape(-1, chunk * chunk)


def _unchunked(
    chunks: NDArray[np.float64], shape: tuple[int, int, int, int], chunk: int
) -> NDArray[np.float64]:
    planes, frames, height, width = shape
    cut = chunks.reshape(height // chunk, width // chunk, frames, planes, chunk, chunk)
    return cut.transpose(3, 2, 0, 4, 1, 5).reshape(shape)


def _levels(variance: NDArray[np.float64]) -> NDArray[np.int64]:
    log = 0.5 * np.log(variance + LEAST_STEP)
    return np.clip(np.rint((log - LOWEST_LEVEL) / LEVEL_STEP * 2), 0, 2**LEVEL_BITS - 1).astype(np.int64)


def _deviations(levels: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.exp(LOWEST_LEVEL + LEVEL_STEP / 2 * levels)


def _gains(deviation: NDArray[np.float64]) -> NDArray[np.float64]:
    """lambda^-1/4, the gains of least mean squared error under a power constraint (Lemma 1 of the source)."""
    return deviation**-0.5


def _side_bits(places: NDArray[np.int64], levels: NDArray[np.int64]) -> str:
    gaps = np.diff(places, prepend=-1)
    bits = [_gamma(len(places))]
    for gap, level in zip(gaps.tolist(), levels.tolist(), strict=True):
        bits.append(_gamma(gap) + f"{level:0{LEVEL_BITS}b}")
    return "".join(bits)


def _gamma(number: int) -> str:
    """Elias gamma code of a number, 1 or more."""
    return "0" * (number.bit_length() - 1) + f"{number:b}"


def _blocks(bits: str) -> tuple[bytes, ...]:
    size = 8 * PAYLOAD_BYTES
    return tuple(
        int(bits[i : i + size].ljust(size, "0"), 2).to_bytes(PAYLOAD_BYTES, "big")
        for i in range(0, len(bits), size)
    )


def _side(blocks: Sequence[bytes | None]) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Places and levels; None where a block failed or the bits are none that a sender makes."""
    if not blocks or any(block is None for block in blocks):
        return None
    bits = "".join(f"{int.from_bytes(block or b'', 'big'):0{8 * PAYLOAD_BYTES}b}" for block in blocks)
    at = 0

    def gamma() -> int:
        nonlocal at
        one = bits.find("1", at)
        if one < 0 or 2 * one - at + 1 > len(bits):
            raise ValueError
        value = int(bits[one : 2 * one - at + 1], 2)
        at = 2 * one - at + 1
        return value

    try:
        count = gamma()
        place, places, levels = -1, [], []
        for _ in range(count):
            place += gamma()
            levels.append(int(bits[at : at + LEVEL_BITS], 2))
            at += LEVEL_BITS
            places.append(place)
    except ValueError:
        return None
    return np.array(places), np.array(levels)
