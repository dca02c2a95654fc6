"""RaptorQ (RFC 6330), through the package raptorq."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from lossweep.channels.errors import MissingPackage
from lossweep.endpoints.fec.adu import FecError
from lossweep.endpoints.fec.block_code import BlockCode, check_source, check_symbols
from lossweep.endpoints.fec.block_format import BlockFormat, BlockPayload
from lossweep.endpoints.fec.code import CodeFamily, check_code_rate, packets_of_block

MOST_SOURCE, MOST_SYMBOLS = 56403, 1 << 24
"""RFC 6330, Section 5.1.2: K'max, and ESIs of 24 bits."""
_ALIGNMENT = 8
_PIECE_BYTES = 1 << 20
"""Bytes of a source block that are coded at once; the package would cut larger ones into several blocks."""
_ID_BYTES = 7


class RaptorFormat(BlockFormat):
    """A payload ID of 7 bytes, initial sequence number, source block length and ESI, before the repair symbol.

    Deviations: an ADU is the whole RTP packet, as with other block codes here, and has one symbol, whose size is that
    of the block's longest ADUI and not the session's.
    Source: RFC 6681, Section 8.1.3 (Repair FEC Payload ID, format B).
    """

    def payload_id(self, sbn: int, esi: int, k: int, base: int) -> bytes:
        """The bytes before the repair symbol."""
        return base.to_bytes(2, "big") + k.to_bytes(2, "big") + esi.to_bytes(3, "big")

    def parse(self, payload: bytes) -> BlockPayload:
        """See `RepairFormat`."""
        if len(payload) < _ID_BYTES:
            raise FecError(f"{len(payload)} bytes; a RaptorQ payload ID has {_ID_BYTES}")
        base, k, esi = (int.from_bytes(payload[i:j], "big") for i, j in ((0, 2), (2, 4), (4, 7)))
        if not 1 <= k <= esi:
            raise FecError(f"esi {esi} and k {k}; a repair packet has 1 <= k <= esi")
        return BlockPayload(base, k, esi, bytes(payload[_ID_BYTES:]))


@dataclass(frozen=True)
class RaptorQ(CodeFamily):
    """RaptorQ, RFC 6330: nearly any k packets of a block recover it, for blocks of any length.

    With k packets, none of them source packets, 0.4 to 0.8 % of the blocks are not recovered (measured:
    results/validation), with k + 1 at most 1 in 10,000 (RFC 6330, Section 5.8). Reed-Solomon always recovers with k;
    RaptorQ is for blocks of more than 255 packets. It needs the package
    raptorq, which has a wheel for Linux on x86-64; elsewhere pip builds it with Rust. A repair packet has 7 bytes of
    payload ID (RFC 6681) after its RTP header.

    Attributes:
        code_rate: k/n, in (0, 1].
    Raises:
        ValueError: code_rate outside (0, 1].
        MissingPackage: raptorq is not installed.
    """

    code_rate: float
    name = "raptorq"
    title = "RaptorQ"
    repair_format = RaptorFormat()

    def __post_init__(self) -> None:
        check_code_rate(self.code_rate)
        _package()

    def make(self, k: int, n: int | None = None) -> RaptorQBlock:
        """The code for k source packets, with n = ceil(k / code_rate) unless it is given.

        Raises:
            ValueError: not 1 <= k <= n, k > 56403 or n > 2^24; naming k and n, and what to do.
        """
        n = packets_of_block("RaptorQ", k, n, self.code_rate)
        if k > MOST_SOURCE or n > MOST_SYMBOLS:
            raise ValueError(
                f"RaptorQ has at most {MOST_SOURCE} source packets and {MOST_SYMBOLS} packets per block; k={k}, n={n}: "
                "use shorter blocks (fec_frames, gop, larger packets)"
            )
        return RaptorQBlock(k, n)


@dataclass(frozen=True)
class RaptorQBlock(BlockCode):
    """A block of k source symbols and repair symbols with ESI k to n-1.

    It is recovered whole or not at all: where the decoder fails, what arrived of the source still counts.
    """

    k: int
    n: int

    def recovers(self, arrived: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Source packets known after repair, bool [k]; the package's decoder is asked with symbols of zeros."""
        source = arrived[: self.k]
        if source.all() or np.count_nonzero(arrived) < self.k or not _solvable(self.k, arrived.tobytes()):
            return source.copy()
        return np.ones(self.k, dtype=bool)

    def encode(self, source: list[bytes]) -> list[bytes]:
        """n symbols from k of equal length; the first k are the source itself.

        Raises:
            ValueError: not k symbols, or not of equal length.
        """
        check_source(source, self.k)
        if self.n == self.k:
            return list(source)
        repair = [b""] * (self.n - self.k)
        for piece in _pieces(dict(enumerate(source)), self.k):
            encoder = _package().Encoder.with_defaults(b"".join(piece.values()), len(piece[0]))
            for i, packet in enumerate(encoder.get_encoded_packets(self.n - self.k)[self.k :]):
                repair[i] += packet[4:]
        return source + [symbol[: len(source[0])] for symbol in repair]

    def decode(self, symbols: dict[int, bytes]) -> list[bytes | None]:
        """The k source symbols from those that arrived, by ESI; None where it is not recovered.

        Raises:
            ValueError: an ESI outside 0 to n-1, or symbols of unequal length.
        """
        check_symbols(list(symbols.values()), symbols, self.n)
        known = [symbols.get(esi) for esi in range(self.k)]
        if len(symbols) < self.k or None not in known:
            return known
        out = [b""] * self.k
        for piece in _pieces(symbols, self.k):
            data = _decoded(self.k, piece)
            if data is None:
                return known
            size = len(data) // self.k
            out = [symbol + data[i * size : (i + 1) * size] for i, symbol in enumerate(out)]
        length = len(next(iter(symbols.values())))
        return [symbol[:length] for symbol in out]


def _pieces(symbols: Mapping[int, bytes], k: int) -> list[dict[int, bytes]]:
    """The symbols, padded and cut into pieces that the package codes as one block each."""
    length = max(len(next(iter(symbols.values()))), 1)
    padded = -(-length // _ALIGNMENT) * _ALIGNMENT
    size = max(_PIECE_BYTES // k // _ALIGNMENT, 1) * _ALIGNMENT
    whole = {esi: symbol.ljust(padded, b"\0") for esi, symbol in symbols.items()}
    return [{esi: symbol[at : at + size] for esi, symbol in whole.items()} for at in range(0, padded, size)]


def _decoded(k: int, symbols: Mapping[int, bytes]) -> bytes | None:
    """The source block from symbols of one length, a multiple of the alignment; None where the decoder fails."""
    size = len(next(iter(symbols.values())))
    decoder = _package().Decoder.with_defaults(k * size, size)
    for esi, symbol in sorted(symbols.items()):
        data: bytes | None = decoder.decode(esi.to_bytes(4, "big") + symbol)
        if data is not None:
            return bytes(data)
    return None


@lru_cache(maxsize=1 << 16)
def _solvable(k: int, arrived: bytes) -> bool:
    """Whether the symbols that arrived (a byte of 0 or 1 per ESI) give the block."""
    there = np.flatnonzero(np.frombuffer(arrived, np.uint8)).tolist()
    return _decoded(k, dict.fromkeys(there, bytes(_ALIGNMENT))) is not None


def _package() -> ModuleType:
    try:
        return import_module("raptorq")
    except ImportError:
        raise MissingPackage(
            "code raptorq: the package is missing; pip install raptorq (or use rs)"
        ) from None
