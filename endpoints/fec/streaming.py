"""A streaming code for bursts with the least delay (Martinian and Sundberg)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from lossweep.endpoints.fec.adu import FecError
from lossweep.endpoints.fec.code import CodeFamily, check_code_rate
from lossweep.endpoints.fec.gf256 import inverse
from lossweep.endpoints.fec.split_code import Equation, SplitBlock
from lossweep.endpoints.fec.split_format import SplitFormat, SplitPayload

LONGEST_DELAY = 128
_HEADER_BYTES = 3


class StreamingFormat(SplitFormat):
    """A header of 3 bytes: sequence number of the latest source packet, and how far the repair packet is ahead of it.

    The second is not 0 only after the stream's last source packet. The format is this project's own.
    """

    def header(self, code: SplitBlock, esi: int, base: int) -> bytes:
        """See `SplitFormat`."""
        assert isinstance(code, StreamingBlock)
        newest = code.sent_after(esi)
        return ((base + newest) % 2**16).to_bytes(2, "big") + bytes([code.place(esi) - newest])

    def parse(self, payload: bytes) -> SplitPayload:
        """See `RepairFormat`."""
        if len(payload) < _HEADER_BYTES:
            raise FecError(f"{len(payload)} bytes; the header of a streaming code has {_HEADER_BYTES}")
        return SplitPayload(int.from_bytes(payload[:2], "big"), (payload[2],), bytes(payload[_HEADER_BYTES:]))

    def equations(self, number: int, head: tuple[int, ...], code: SplitBlock) -> Sequence[Equation]:
        """See `SplitFormat`."""
        assert isinstance(code, StreamingBlock)
        found = parity(number + head[0], number, code.delay, code.burst)
        return found if any(found) else ()


@dataclass(frozen=True)
class Streaming(CodeFamily):
    """Martinian and Sundberg's code: every burst of at most B packets is repaired, each packet within T packets.

    Its rate T / (T + B) is the highest with which that is possible. Each source packet is cut into T parts, and is
    followed by a repair packet of B parts. A part of a repair packet is that part of the packet T before it, plus a
    parity (an MDS code) of parts of the packets between. With B = T it is a copy of the packet T before. In a block of
    whole packets, the code for T a multiple of B is column FEC (`flexfec`). It repairs little beside bursts: isolated
    losses that are closer than T together are often not. After the stream's last packet T more repair packets follow.
    A repair packet has 3 bytes of header after its RTP header. `fec_frames` and `block_frames` have no effect; text,
    faces and packetization `object` do not take it.

    Attributes:
        code_rate: T / (T + B), at least 1/2; B is rounded up.
        delay: T, in source packets, 1 to 128.
    Raises:
        ValueError: a parameter out of its range.
    Source: E. Martinian, C.-E. W. Sundberg, "Burst erasure correction codes with low decoding delay", IEEE Trans. Inf.
        Theory 50(10), 2004.
    """

    code_rate: float
    delay: int = 10
    name = "streaming"
    title = "streaming code"
    spans_stream: ClassVar[bool] = True
    repair_format = StreamingFormat()

    def __post_init__(self) -> None:
        check_code_rate(self.code_rate)
        if not isinstance(self.delay, int) or not 1 <= self.delay <= LONGEST_DELAY:
            raise ValueError(
                f"delay is {self.delay!r}; it must be a whole number of packets in 1 to {LONGEST_DELAY}"
            )
        if self.code_rate < 0.5 or self.code_rate == 1.0:
            raise ValueError(
                f"code_rate is {self.code_rate:g}; a streaming code has 1/2 or more, below 1; use rs or rlc, or none"
            )

    @property
    def label(self) -> str:
        """`streaming-0.5-t10`."""
        return f"{self.name}-{self.code_rate:g}-t{self.delay}"

    @property
    def burst(self) -> int:
        """B: the longest burst that is repaired, in source packets."""
        return min(math.ceil(self.delay * (1 / self.code_rate - 1) - 1e-9), self.delay)

    def make(self, k: int, n: int | None = None) -> StreamingBlock:
        """The code for a stream of k source packets.

        Raises:
            ValueError: k < 1, or an n that is not the code's own; naming both.
        """
        code = StreamingBlock(k, self.delay, self.burst)
        if k < 1 or n not in (None, code.n):
            raise ValueError(
                f"a streaming code with k={k}, n={n}; k must be 1 or more, and n follows from it"
            )
        return code


@dataclass(frozen=True)
class StreamingBlock(SplitBlock):
    """A stream of k source packets; repair packet t is sent after source packet t, the last ones at the end.

    Attributes:
        k: source packets.
        delay: T.
        burst: B, 1 to T.
    """

    k: int
    delay: int
    burst: int

    @property
    def n(self) -> int:  # type: ignore[override]
        """All packets: repair packets before the first that protects anything are left out."""
        return 2 * self.k + self.delay - self._first

    @property
    def parts(self) -> int:  # type: ignore[override]
        """T."""
        return self.delay

    @property
    def span(self) -> int:  # type: ignore[override]
        """Longer than any codeword, T + B packets."""
        return 3 * self.delay

    @property
    def _first(self) -> int:
        return 1 if self.delay > self.burst else self.delay

    def place(self, esi: int) -> int:
        """t of a repair packet."""
        return esi - self.k + self._first

    def sent_after(self, esi: int) -> int:
        """Source packet t, or the last one."""
        return min(self.place(esi), self.k - 1)

    def equations(self, esi: int) -> Sequence[Equation]:
        """See `SplitBlock`."""
        return parity(self.place(esi), self.k - 1, self.delay, self.burst)


@lru_cache(maxsize=1 << 14)
def parity(t: int, newest: int, delay: int, burst: int) -> tuple[dict[int, int], ...]:
    """The parts in each of the B parts of repair packet t; packets before 0 and after `newest` count as zeros.

    Part j is u + sum of c v: u is part j of packet t - T; v_r, for r = 0 to T - B - 1, is part B + r of packet
    t - T - j + B + r. A codeword lies on a diagonal: T parts of packets that follow each other, and B parities. The c
    are a Cauchy matrix, so the code of the v is MDS.
    """
    rows = []
    for j in range(burst):
        row = {}
        if 0 <= t - delay <= newest:
            row[(t - delay) * delay + j] = 1
        for r in range(delay - burst):
            packet = t - delay - j + burst + r
            if 0 <= packet <= newest:
                row[packet * delay + burst + r] = inverse(j ^ (burst + r))
        rows.append(row)
    return tuple(rows)
