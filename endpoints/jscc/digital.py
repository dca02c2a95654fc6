"""Conventional video over LDPC and QAM: the digital baselines of joint source-channel coding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from lossweep.channels.mcs import PAYLOAD_BYTES, SCHEMES, Mcs, best_mcs
from lossweep.channels.physical import PhysicalChannel
from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.codecs.video.codec import H264, H265, H266, Codec
from lossweep.endpoints.codecs.video.encode import Coded, content_hash
from lossweep.endpoints.codecs.video.encodings import cached_encode
from lossweep.endpoints.codecs.video.endpoint import show
from lossweep.endpoints.codecs.video.frames import ReceivedFrame
from lossweep.endpoints.fec.code import CodeFamily
from lossweep.endpoints.jscc.contract import (
    EncodedSymbols,
    Reception,
    SymbolError,
    Transmission,
    without_code,
)
from lossweep.endpoints.jscc.gops import gops, uses_of
from lossweep.endpoints.packetize.source_block import SourceBlockError, from_symbols, to_symbols

FINEST = 10.0
"""Finest quantizer that is tried: finer ones cost rate and give nothing that is seen."""
SIGNALLING = 64
"""Channel uses of a group that tell its scheme and length; they are charged and taken for received."""
HEIGHTS = (1.0, 0.5)
"""Coded heights that are tried, as shares of the clip's."""


class DigitalParams(BaseModel):
    """Options of conventional video over LDPC and QAM.

    Attributes:
        rho: complex channel uses per colour value, all that is sent included.
        gop: pictures per group; each begins with a key frame and has a budget of its own.
        link: "adaptive": the most efficient scheme whose blocks fail with at most 10 % at the SNR that the sender
            believes; "fixed": scheme `mcs` at every SNR; "capacity": as many bits as the channel's capacity at that SNR
            allows, and none fails (a bound, no system).
        mcs: scheme of "fixed", and of no other link: 0 to 9, from BPSK 1/5 to 64-QAM 3/4 (`channels/mcs.py`).
    """

    model_config = ConfigDict(extra="forbid")
    name: str
    rho: float = Field(1 / 32, gt=0, le=1)
    gop: int = Field(8, ge=1)
    link: Literal["adaptive", "fixed", "capacity"] = "adaptive"
    mcs: int | None = Field(None, ge=0, lt=len(SCHEMES))

    @model_validator(mode="after")
    def _scheme_of_fixed(self) -> DigitalParams:
        if (self.link == "fixed") != (self.mcs is not None):
            raise ValueError("mcs names the scheme of link: fixed; give both or neither")
        return self


@dataclass(frozen=True)
class DigitalSession:
    """What the receiver knows beforehand.

    Attributes:
        width, height: of the pictures.
        fps: pictures per second.
        frames: of each group of pictures.
    """

    width: int
    height: int
    fps: float
    frames: tuple[int, ...]


class DigitalEndpoint:
    """A conventional codec whose groups of pictures are cut into transport blocks.

    Each group is encoded to what its channel uses carry: the finest quantizer that fits, at the clip's size or at half
    of it, whichever is nearer to the pictures. A failed block damages its access unit; what is shown then is
    decided as for packets (`VideoEndpoint.decode`).
    """

    Params = DigitalParams
    carries = "symbols"
    sends = "video"
    title: ClassVar[str]
    codec: ClassVar[Codec]

    def __init__(self, params: DigitalParams, code: CodeFamily, device: str = "cpu") -> None:
        self.params, self.code = params, without_code(params.name, code)
        how = f"mcs{params.mcs}" if params.link == "fixed" else params.link
        self.name = self.label = f"{params.name}-{how}"

    def encode(self, clip: Clip, channel: PhysicalChannel) -> EncodedSymbols[DigitalSession]:
        """See `SymbolEndpoint.encode`."""
        sent, frames, rates = [], [], []
        fixed = self.params.mcs
        scheme = best_mcs(channel.believed_db) if fixed is None else SCHEMES[fixed]
        height = width = 0
        for group in gops(clip, self.params.gop, multiple=2):
            height, width = group.shape[1:3]
            uses = uses_of(self.params.rho, len(group), height, width, SIGNALLING + 1)
            transmission, coded = self._transmission(group, clip.fps, uses, scheme, channel.believed_db)
            sent.append(transmission)
            frames.append(len(group))
            rates.append(0.0 if coded is None else coded.bpp * len(group))
        session = DigitalSession(width, height, clip.fps, tuple(frames))
        columns = {
            "codec": self.codec.name,
            "bpp": sum(rates) / sum(frames),
            "scheme": None if self.params.link == "capacity" else scheme.index,
            **self.params.model_dump(exclude={"name", "mcs"}),
        }
        return EncodedSymbols(tuple(sent), session, columns)

    def _transmission(
        self, group: NDArray[np.uint8], fps: float, uses: int, scheme: Mcs, believed_db: float
    ) -> tuple[Transmission, Coded | None]:
        left = uses - SIGNALLING
        if self.params.link == "capacity":
            bits = left * np.log2(1 + 10 ** (believed_db / 10))
            coded = self._coded(group, fps, int(bits // 8))
            units = () if coded is None else coded.access_units
            return Transmission(blocks=tuple(to_symbols(units, 1)), signalling=uses, bound=True), coded
        count = left // scheme.symbols
        if count < 1:
            raise SymbolError(
                f"rho {self.params.rho:g} leaves {left} symbols for a group, fewer than the {scheme.symbols} of one "
                "transport block; choose a larger rho or gop"
            )
        coded = self._coded(group, fps, count * PAYLOAD_BYTES)
        units = () if coded is None else coded.access_units
        blocks = tuple(to_symbols(units, count, PAYLOAD_BYTES))
        return Transmission(blocks=blocks, mcs=scheme.index, signalling=SIGNALLING), coded

    def _coded(self, group: NDArray[np.uint8], fps: float, budget: int) -> Coded | None:
        """The encoding nearest to the pictures that fits into `budget` bytes, at full or half size, if one does."""
        digest, found = content_hash(group), []
        for share in HEIGHTS:
            height = int(group.shape[1] * share) // 2 * 2
            if height < 64:
                continue
            encode = partial(_encode, self.codec, group, digest, fps, height)
            coded = _finest(self.codec, encode, budget)
            if coded is not None:
                found.append(coded)
                if coded.quantizer < 36:
                    break
        if len(found) < 2:
            return found[0] if found else None
        return min(found, key=lambda coded: _error(self.codec, coded, group))

    @classmethod
    def decode(cls, received: Sequence[Reception], session: DigitalSession, device: str = "cpu") -> Playback:
        """See `SymbolEndpoint.decode`."""
        frames: dict[int, ReceivedFrame] = {}
        first = 0
        for reception, count in zip(received, session.frames, strict=True):
            try:
                arrivals = from_symbols(reception.blocks)
            except SourceBlockError:
                arrivals = []
            for i, arrival in enumerate(arrivals[:count]):
                frames[first + i] = ReceivedFrame(arrival.status, arrival.leading, key=i == 0)
            first += count
        return show(cls.codec, frames, session.width, session.height, session.fps, first)


def _encode(
    codec: Codec, group: NDArray[np.uint8], digest: str, fps: float, height: int, quantizer: float
) -> Coded:
    return cached_encode(codec, list(group), digest, fps, len(group), quantizer, height)


def _finest(codec: Codec, encode: partial[Coded], budget: int) -> Coded | None:
    """The encoding with the finest quantizer that fits into a budget in bytes, to one step of 0.5 or the codec's."""
    low, high = FINEST, codec.quantizers[1]
    best = encode(quantizer=high)
    if _size(best) > budget:
        return None
    step = max(0.5, codec.quantizer_step)
    while high - low > step:
        middle = round((low + high) / 2 / step) * step
        if middle in (low, high):
            break
        tried = encode(quantizer=middle)
        if _size(tried) <= budget:
            best, high = tried, middle
        else:
            low = middle
    return best


def _size(coded: Coded) -> int:
    return len(to_symbols(coded.access_units, 1)[0])


def _error(codec: Codec, coded: Coded, group: NDArray[np.uint8]) -> float:
    frames = {i: ReceivedFrame("whole", unit, i == 0) for i, unit in enumerate(coded.access_units)}
    height, width = group.shape[1:3]
    shown = show(codec, frames, width, height, 25.0, len(group)).clip.video or []
    return float(np.mean([np.mean((a.astype(float) - b) ** 2) for a, b in zip(shown, group, strict=True)]))


class H264LdpcEndpoint(DigitalEndpoint):
    """H.264 (x264) over 5G LDPC and QAM."""

    title = "H.264 + LDPC"
    codec = H264


class H265LdpcEndpoint(DigitalEndpoint):
    """H.265 (x265) over 5G LDPC and QAM."""

    title = "H.265 + LDPC"
    codec = H265


class H266LdpcEndpoint(DigitalEndpoint):
    """H.266 (VVenC, by the ffmpeg program of imageio-ffmpeg) over 5G LDPC and QAM."""

    title = "H.266 + LDPC"
    codec = H266
