"""Codes of a whole stream that cut each packet into parts: what streaming codes have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence

from lossweep.endpoints.fec.block_code import check_source, check_symbols
from lossweep.endpoints.fec.gf256 import combination
from lossweep.endpoints.fec.linear_system import LinearSystem
from lossweep.endpoints.fec.sliding_block import SlidingBlock

Equation = Mapping[int, int]
"""Factor of each part, which has the number packet * parts + part."""


class SplitBlock(SlidingBlock):
    """A stream of k source packets, each cut into parts; a repair packet has several combinations of parts.

    Byte i of a symbol is in part i mod `parts`, so padding with zeros leaves the parts' order as it is. A repair symbol
    begins with one byte: how many zeros were added to make the source symbols a multiple of `parts` bytes.

    Attributes:
        parts: of a packet.
        span: packets after which the decoder gives up on an equation.
    """

    parts: int
    span: int

    @abstractmethod
    def equations(self, esi: int) -> Sequence[Equation]:
        """The combinations in a repair packet."""

    def depends_on(self, esi: int) -> list[int]:
        """The source packets of which a part is in a repair packet."""
        return sorted({number // self.parts for equation in self.equations(esi) for number in equation})

    def progress(self) -> SplitProgress:
        """See `SlidingBlock`."""
        return SplitProgress(self)

    def encode(self, source: list[bytes]) -> list[bytes]:
        """The k source symbols, then repair symbols of another length than theirs.

        Raises:
            ValueError: not k symbols, or not of equal length.
        """
        check_source(source, self.k)
        pad = -len(source[0]) % self.parts
        head = bytes([pad])
        return source + [head + self.repair(esi, source) for esi in range(self.k, self.n)]

    def repair(self, esi: int, source: Sequence[bytes]) -> bytes:
        """The combinations of a repair packet, each as long as the longest part in any of them."""
        rows = []
        for equation in self.equations(esi):
            of = [
                (factor, source[number // self.parts], number % self.parts)
                for number, factor in equation.items()
            ]
            rows.append(
                combination([(factor, one[part :: self.parts]) for factor, one, part in of]) if of else b""
            )
        longest = max(-(-len(source[i]) // self.parts) for i in self.depends_on(esi))
        return b"".join(row.ljust(longest, b"\0") for row in rows)

    def decode(self, symbols: dict[int, bytes]) -> list[bytes | None]:
        """The k source symbols from those that arrived, by ESI; None where it is not recovered.

        Raises:
            ValueError: an ESI outside 0 to n-1.
        """
        check_symbols((), symbols, self.n)
        parts = Parts(self.parts, self.span)
        for esi in self.order:
            if esi in symbols and esi < self.k:
                parts.know(esi, symbols[esi])
            elif esi in symbols:
                parts.equate(self.equations(esi), symbols[esi][1:])
        pads = [symbol[0] for esi, symbol in symbols.items() if esi >= self.k]
        lost = pads[0] if pads else 0
        return [
            symbols[i] if i in symbols else parts.symbol(i, lost) if parts.complete(i) else None
            for i in range(self.k)
        ]


class Parts:
    """The parts of a stream's packets that are known, and the equations between others.

    Args:
        parts: of a packet.
        span: packets; see `SplitBlock`.
    """

    def __init__(self, parts: int, span: int) -> None:
        self._parts = parts
        self._system = LinearSystem(span * parts)

    def know(self, packet: int, symbol: bytes) -> list[int]:
        """Takes a packet that arrived; others that are complete by it."""
        touched: set[int] = set()
        for part in range(self._parts):
            solved = self._system.know(packet * self._parts + part, symbol[part :: self._parts])
            touched |= {number // self._parts for number, _ in solved}
        return self._completed(touched - {packet})

    def equate(self, equations: Sequence[Equation], rows: bytes) -> list[int]:
        """Takes a repair packet; source packets that are complete by it."""
        size = len(rows) // len(equations)
        touched: set[int] = set()
        for i, equation in enumerate(equations):
            solved = self._system.equate(equation, rows[i * size : (i + 1) * size])
            touched |= {number // self._parts for number, _ in solved}
        return self._completed(touched)

    def complete(self, packet: int) -> bool:
        """Whether all parts of a packet are known."""
        first = packet * self._parts
        return all(number in self._system.known for number in range(first, first + self._parts))

    def symbol(self, packet: int, pad: int = 0) -> bytes:
        """A packet that is complete, without so many bytes of its padding."""
        first = packet * self._parts
        values = [self._system.known[first + part] for part in range(self._parts)]
        out = bytearray(max(map(len, values)) * self._parts)
        for part, value in enumerate(values):
            out[part : len(value) * self._parts : self._parts] = value
        return bytes(out[: len(out) - pad])

    def _completed(self, packets: Iterable[int]) -> list[int]:
        return [packet for packet in sorted(packets) if self.complete(packet)]


class SplitProgress:
    """What is known of a stream while its packets arrive; see `lossweep.sim.stream.Progress`."""

    def __init__(self, code: SplitBlock) -> None:
        self._code, self._parts = code, Parts(code.parts, code.span)

    def add(self, esi: int) -> list[int]:
        """Notes the arrival of a packet; the source packets that become known by repair."""
        if esi >= self._code.k:
            return self._parts.equate(self._code.equations(esi), b"")
        return [] if self._parts.complete(esi) else self._parts.know(esi, b"")
