"""Sliding-window random linear codes over GF(2^8) (RFC 8681)."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from lossweep.endpoints.fec.adu import FecError, adui, open_adui
from lossweep.endpoints.fec.block_code import BlockCode, check_source, check_symbols
from lossweep.endpoints.fec.code import CodeFamily, check_code_rate, packets_of_block
from lossweep.endpoints.fec.gf256 import combination
from lossweep.endpoints.fec.linear_system import LinearSystem
from lossweep.endpoints.fec.repair_format import Repair, RepairFormat, Timed
from lossweep.endpoints.fec.sliding_block import SlidingBlock
from lossweep.endpoints.fec.tinymt32 import TinyMT32
from lossweep.endpoints.session import RtpStream

DENSEST = 15
"""Density threshold at which no coefficient is 0."""
LONGEST_WINDOW = 4095
SYSTEM_WINDOWS = 4
"""The decoder's linear system spans so many encoding windows (RFC 8681, Section 3.1 and Appendix C: ls_max)."""
_HEADER = struct.Struct("!HHI")


@lru_cache(maxsize=1 << 16)
def coefficients(repair_key: int, count: int, density_threshold: int = DENSEST) -> tuple[int, ...]:
    """Coding coefficients of a repair symbol, GF(2^8).

    Args:
        repair_key: 0 to 65535.
        count: source symbols in the encoding window.
        density_threshold: 0 to 15; a coefficient is not 0 with probability (density_threshold + 1) / 16.
    Source: RFC 8681, Section 3.6 (m = 8).
    """
    numbers, found = TinyMT32(repair_key), []
    for _ in range(count):
        value = 0
        if density_threshold == DENSEST or numbers.word() & 0xF <= density_threshold:
            while not value:
                value = numbers.word() & 0xFF
        found.append(value)
    return tuple(found)


@dataclass(frozen=True)
class RlcPayload:
    """A parsed repair packet.

    Attributes:
        repair_key, density_threshold: of its coefficients.
        first: FSS_ESI, uint32; its low 16 bits are the sequence number of the window's first source packet.
        count: NSS, source symbols in the window.
        symbol: the repair symbol.
    """

    repair_key: int
    density_threshold: int
    first: int
    count: int
    symbol: bytes

    @property
    def base_sequence_number(self) -> int:
        """Of the window's first source packet."""
        return self.first & 0xFFFF


class RlcFormat(RepairFormat[RlcPayload]):
    """A payload ID of 8 bytes, repair key, density, window size and first symbol, before the repair symbol over ADUIs.

    Deviations: a source packet has no payload ID; the ESI of its symbol is its RTP sequence number. An ADUI is one
    symbol, as long as it is, and a repair symbol has the length of the longest in its window: the zeros after it,
    which the RFC's fixed symbol size would add, are not sent.
    Source: RFC 8681, Sections 3.2 and 4.1.3.
    """

    def payloads(self, source: Sequence[bytes], code: BlockCode, sbn: int) -> list[bytes]:
        """See `RepairFormat`."""
        base = int.from_bytes(source[0][2:4], "big")
        symbols = [adui(packet) for packet in source]
        out = []
        for j, esi in enumerate(range(code.k, code.n)):
            window, key = code.depends_on(esi), j % 2**16
            factors = coefficients(key, len(window))
            symbol = combination([(factor, symbols[i]) for factor, i in zip(factors, window, strict=True)])
            first = (base + window[0]) % 2**32
            out.append(_HEADER.pack(key, DENSEST << 12 | len(window), first) + symbol)
        return out

    def parse(self, payload: bytes) -> RlcPayload:
        """See `RepairFormat`."""
        if len(payload) < _HEADER.size:
            raise FecError(f"{len(payload)} bytes; an RLC payload ID has {_HEADER.size}")
        key, window, first = _HEADER.unpack_from(payload)
        if not window & 0xFFF:
            raise FecError("an RLC repair packet of no source symbol")
        return RlcPayload(key, window >> 12, first, window & 0xFFF, bytes(payload[_HEADER.size :]))

    def rebuild(
        self,
        repair: Sequence[Repair[RlcPayload]],
        source: Mapping[int, Timed],
        stream: RtpStream,
        make: Callable[[int, int | None], BlockCode],
    ) -> dict[int, Timed]:
        """See `RepairFormat`."""
        longest = max((one.payload.count for one in repair), default=0)
        system, out = LinearSystem(SYSTEM_WINDOWS * longest), dict[int, Timed]()
        arrivals: list[tuple[float, int, bytes | RlcPayload]] = [
            *((arrived_s, number, data) for number, (data, arrived_s) in source.items()),
            *((one.arrived_s, one.number, one.payload) for one in repair),
        ]
        for now_s, number, arrived in sorted(arrivals, key=lambda arrival: arrival[0]):
            if isinstance(arrived, RlcPayload):
                factors = coefficients(arrived.repair_key, arrived.count, arrived.density_threshold)
                equation = {number + i: factor for i, factor in enumerate(factors) if factor}
                solved = system.equate(equation, arrived.symbol)
            else:
                solved = system.know(number, adui(arrived))
            for found, symbol in solved:
                try:
                    out[found] = open_adui(symbol), now_s
                except FecError:
                    continue
        return out


@dataclass(frozen=True)
class Rlc(CodeFamily):
    """Sliding-window RLC over GF(2^8), RFC 8681: a repair packet is a random combination of the packets before it.

    There are no blocks. Repair packets are sent evenly, each over the latest `window` source packets, and a lost packet
    is repaired as soon as as many repair packets as packets are missing have come, so one code serves short and long
    deadlines. `fec_frames` and `block_frames` have no effect; text, faces and packetization `object` do not take it. A
    repair packet has 8 bytes of payload ID after its RTP header.

    Attributes:
        code_rate: source packets / all packets, in (0, 1].
        window: source packets in the encoding window, 1 to 4095.
    Raises:
        ValueError: a parameter out of its range.
    """

    code_rate: float
    window: int = 40
    name = "rlc"
    title = "RLC"
    spans_stream: ClassVar[bool] = True
    repair_format = RlcFormat()

    def __post_init__(self) -> None:
        check_code_rate(self.code_rate)
        if not isinstance(self.window, int) or not 1 <= self.window <= LONGEST_WINDOW:
            raise ValueError(f"window is {self.window!r}; it must be a whole number in 1 to {LONGEST_WINDOW}")

    @property
    def label(self) -> str:
        """`rlc-0.5-w40`."""
        return f"{self.name}-{self.code_rate:g}-w{self.window}"

    def make(self, k: int, n: int | None = None) -> RlcBlock:
        """The code for a stream of k source packets; after s of them, s (1 / code_rate - 1) repair packets, rounded up.

        Raises:
            ValueError: not 1 <= k <= n, naming both.
        """
        every = packets_of_block("RLC", k, n, self.code_rate)
        per_source = 1 / self.code_rate - 1 if n is None else n / k - 1
        ends = tuple(min(math.floor((j + 1e-6) / per_source) + 1, k) for j in range(every - k))
        return RlcBlock(k, ends, self.window)


@dataclass(frozen=True)
class RlcBlock(SlidingBlock):
    """A stream of k source packets with repair packets between them.

    Attributes:
        k: source packets.
        ends: how many source packets come before each repair packet.
        window: source packets in a full encoding window.
    """

    k: int
    ends: tuple[int, ...]
    window: int

    @property
    def n(self) -> int:  # type: ignore[override]
        """All packets."""
        return self.k + len(self.ends)

    def depends_on(self, esi: int) -> range:
        """The encoding window of a repair packet."""
        end = self.ends[esi - self.k]
        return range(max(0, end - self.window), end)

    def progress(self) -> RlcProgress:
        """See `SlidingBlock`."""
        return RlcProgress(self)

    def encode(self, source: list[bytes]) -> list[bytes]:
        """n symbols from k of equal length; the first k are the source itself.

        Raises:
            ValueError: not k symbols, or not of equal length.
        """
        check_source(source, self.k)
        repair = [self.equation(esi) for esi in range(self.k, self.n)]
        return source + [combination([(f, source[i]) for i, f in one.items()]) for one in repair]

    def decode(self, symbols: dict[int, bytes]) -> list[bytes | None]:
        """The k source symbols from those that arrived, by ESI; None where it is not recovered.

        Raises:
            ValueError: an ESI outside 0 to n-1, or symbols of unequal length.
        """
        check_symbols(list(symbols.values()), symbols, self.n)
        system = LinearSystem(SYSTEM_WINDOWS * self.window)
        for esi in self.order:
            if esi in symbols and esi < self.k:
                system.know(esi, symbols[esi])
            elif esi in symbols:
                system.equate(self.equation(esi), symbols[esi])
        return [system.known.get(i) for i in range(self.k)]

    def equation(self, esi: int) -> dict[int, int]:
        """Source packet -> its coefficient in a repair packet."""
        window = self.depends_on(esi)
        return dict(zip(window, coefficients((esi - self.k) % 2**16, len(window)), strict=True))


class RlcProgress:
    """What is known of a stream while its packets arrive; see `lossweep.sim.stream.Progress`."""

    def __init__(self, code: RlcBlock) -> None:
        self._code, self._system = code, LinearSystem(SYSTEM_WINDOWS * code.window)

    def add(self, esi: int) -> list[int]:
        """Notes the arrival of a packet; the source packets that become known by repair."""
        if esi < self._code.k:
            solved = self._system.know(esi, b"")
        else:
            solved = self._system.equate(self._code.equation(esi), b"")
        return [number for number, _ in solved]
