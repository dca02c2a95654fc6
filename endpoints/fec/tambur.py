"""Tambur's streaming code over video frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import ClassVar

from lossweep.endpoints.fec.adu import FecError
from lossweep.endpoints.fec.code import CodeFamily, check_code_rate, packets_of_block
from lossweep.endpoints.fec.rlc import coefficients
from lossweep.endpoints.fec.split_code import Equation, SplitBlock
from lossweep.endpoints.fec.split_format import SplitFormat, SplitPayload

ROWS = 2
"""Combinations in a repair packet, and parts of a source packet: V and U."""
MOST_PACKETS = 64
"""Source packets of a frame."""
WITH_U = 0x80
"""Marks a frame whose U are in a repair packet."""
LONGEST_DELAY = 15
_FIXED_BYTES = 5


class TamburFormat(SplitFormat):
    """A header of 5 bytes and one per frame: first packet of the oldest frame, key, number of frames, `window`.

    The format is this project's own; Tambur sends the sizes of frames in a code of their own.
    """

    def header(self, code: SplitBlock, esi: int, base: int) -> bytes:
        """See `SplitFormat`."""
        assert isinstance(code, TamburBlock)
        oldest, frames = code.window(esi)
        first = (base + sum(code.frames[:oldest])) % 2**16
        key = (esi - code.k) % 2**16
        return first.to_bytes(2, "big") + key.to_bytes(2, "big") + bytes([len(frames), *frames])

    def parse(self, payload: bytes) -> SplitPayload:
        """See `RepairFormat`."""
        end = _FIXED_BYTES + payload[_FIXED_BYTES - 1] if len(payload) >= _FIXED_BYTES else len(payload) + 1
        if len(payload) < end or not sum(payload[_FIXED_BYTES:end]):
            raise FecError(
                f"{len(payload)} bytes; a Tambur header has {_FIXED_BYTES}, and sizes of frames after it"
            )
        key = int.from_bytes(payload[2:4], "big")
        head = (key, *payload[_FIXED_BYTES:end])
        return SplitPayload(int.from_bytes(payload[:2], "big"), head, bytes(payload[end:]))

    def equations(self, number: int, head: tuple[int, ...], code: SplitBlock) -> Sequence[Equation]:
        """See `SplitFormat`."""
        assert isinstance(code, TamburBlock)
        key, *frames = head
        if max(frame & ~WITH_U for frame in frames) > MOST_PACKETS:
            return ()
        return combinations(key, number, tuple(frames), code.delay)


@dataclass(frozen=True)
class Tambur(CodeFamily):
    """Tambur's code: the repair packets of a frame protect it, and the frames of a burst before it.

    Each source packet is halved into V and U. A repair packet has two combinations of both halves of its own frame's
    packets, the V of the `delay` frames before, and the U of the frame `delay` before (where that frame had no repair
    packet, the next that has one takes its place). So losses inside a frame are repaired at once, and of a burst of
    whole frames the V are repaired first and each U after `delay` frames. At rate 1/2 and a delay of 3, that is every
    burst of 2 whole frames. Simplifications: halves of packets instead of stripes
    of frames; coefficients of RLC (RFC 8681, Section 3.6) instead of a Cauchy matrix; the decoder solves all equations,
    and so repairs no less than Tambur's; the amount of repair is constant, and no model predicts it. A repair packet
    has 9 bytes of header after its RTP header at a delay of 3. `fec_frames` has no effect; speech has one packet per
    frame; text, faces and packetization `object` do not take it.

    Attributes:
        code_rate: source packets / all packets, in (0, 1].
        delay: tau, frames after which a burst is repaired, 0 to 15; 0 protects each frame alone.
    Raises:
        ValueError: a parameter out of its range.
    Source: M. Rudow, F. Y. Yan, A. Kumar, G. Ananthanarayanan, M. Ellis, K. V. Rashmi, "Tambur: efficient loss recovery
        for videoconferencing via streaming codes", NSDI 2023; which symbols a parity has: Thesys-lab/tambur.
    """

    code_rate: float
    delay: int = 3
    name = "tambur"
    title = "Tambur"
    spans_stream: ClassVar[bool] = True
    repair_format = TamburFormat()

    def __post_init__(self) -> None:
        check_code_rate(self.code_rate)
        if not isinstance(self.delay, int) or not 0 <= self.delay <= LONGEST_DELAY:
            raise ValueError(
                f"delay is {self.delay!r}; it must be a whole number of frames in 0 to {LONGEST_DELAY}"
            )

    @property
    def label(self) -> str:
        """`tambur-0.5-t3`."""
        return f"{self.name}-{self.code_rate:g}-t{self.delay}"

    def make(self, k: int, n: int | None = None) -> TamburBlock:
        """The code for k frames of one packet.

        Raises:
            ValueError: k < 1, or an n that is not the code's own; naming both.
        """
        if n not in (None, packets_of_block("Tambur", k, None, self.code_rate)):
            raise ValueError(f"Tambur with k={k}, n={n}; n follows from k and the code rate")
        return self.make_stream((1,) * k)

    def make_stream(self, frames: Sequence[int]) -> TamburBlock:
        """The code for a stream of frames; after s source packets, s (1 / code_rate - 1) repair packets, rounded up.

        Raises:
            ValueError: a frame of more than 64 packets.
        """
        if max(frames) > MOST_PACKETS:
            raise ValueError(
                f"Tambur takes frames of at most {MOST_PACKETS} packets, not {max(frames)}; use larger packets "
                "(max_payload_size), a lower rate, or rlc"
            )
        until = [math.ceil(sent * (1 / self.code_rate - 1) - 1e-6) for sent in accumulate(frames)]
        repair = [now - before for now, before in zip(until, [0, *until], strict=False)]
        return TamburBlock(tuple(frames), tuple(repair), self.delay)


@dataclass(frozen=True)
class TamburBlock(SplitBlock):
    """A stream of frames; the repair packets of a frame are sent after it.

    Attributes:
        frames: source packets of each frame, 1 or more.
        repair_packets: of each frame.
        delay: tau, in frames.
    """

    frames: tuple[int, ...]
    repair_packets: tuple[int, ...]
    delay: int
    parts: int = field(default=ROWS, init=False)
    span: int = field(default=4 * MOST_PACKETS, init=False)

    @cached_property
    def k(self) -> int:  # type: ignore[override]
        """Source packets."""
        return sum(self.frames)

    @property
    def n(self) -> int:  # type: ignore[override]
        """All packets."""
        return self.k + len(self._frame_of)

    @cached_property
    def _frame_of(self) -> list[int]:
        """The frame of each repair packet."""
        return [frame for frame, count in enumerate(self.repair_packets) for _ in range(count)]

    @cached_property
    def _begin(self) -> list[int]:
        """The first packet of each frame, and the end."""
        return [0, *accumulate(self.frames)]

    @cached_property
    def _windows(self) -> dict[int, tuple[int, tuple[int, ...]]]:
        """Of each frame with repair packets; see `window`."""
        found: dict[int, tuple[int, tuple[int, ...]]] = {}
        due: list[int] = []
        for frame, count in enumerate(self.repair_packets):
            due += [frame - self.delay] if 0 < self.delay <= frame else []
            if count:
                oldest = min(max(0, frame - self.delay), *due, frame)
                sizes = [self.frames[one] | (WITH_U if one in due else 0) for one in range(oldest, frame + 1)]
                found[frame], due = (oldest, tuple(sizes)), []
        return found

    def window(self, esi: int) -> tuple[int, tuple[int, ...]]:
        """The oldest frame in a repair packet; the packets of each frame from there on, | WITH_U where its U are in."""
        return self._windows[self._frame_of[esi - self.k]]

    def sent_after(self, esi: int) -> int:
        """The last packet of its frame."""
        return self._begin[self._frame_of[esi - self.k] + 1] - 1

    def equations(self, esi: int) -> Sequence[Equation]:
        """See `SplitBlock`."""
        oldest, frames = self.window(esi)
        return combinations((esi - self.k) % 2**16, self._begin[oldest], frames, self.delay)


@lru_cache(maxsize=1 << 14)
def combinations(key: int, first: int, frames: tuple[int, ...], delay: int) -> tuple[dict[int, int], ...]:
    """The two combinations in a repair packet.

    Args:
        key: of the repair packet.
        first: number of the first packet of the oldest frame.
        frames: see `TamburBlock.window`.
        delay: tau.
    """
    parts: list[int] = []
    for age, frame in zip(range(len(frames) - 1, -1, -1), frames, strict=True):
        halves = [half for half, there in enumerate((age <= delay, age == 0 or frame & WITH_U)) if there]
        packets = range(first, first + (frame & ~WITH_U))
        parts += [ROWS * packet + half for packet in packets for half in halves]
        first = packets.stop
    keys = [(ROWS * key + row) % 2**16 for row in range(ROWS)]
    return tuple(dict(zip(parts, coefficients(one, len(parts)), strict=True)) for one in keys)
