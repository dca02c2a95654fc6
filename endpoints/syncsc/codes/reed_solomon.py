"""The semantics as they are, alone or with Reed-Solomon parity; what is missing is interpolated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.fec.reed_solomon import ReedSolomon
from lossweep.endpoints.syncsc.codes.code import Packet
from lossweep.endpoints.syncsc.codes.golomb_rice import Coding, Float16, Integers
from lossweep.endpoints.syncsc.codes.interleaving import SOURCE_PACKETS, Layout
from lossweep.endpoints.syncsc.codes.interpolation import INTERPOLATIONS, interpolated


class ReedSolomonCode:
    """Source packets of semantics and Reed-Solomon parity packets over their bytes.

    A block is known whole when any 4 of its packets arrived, else what arrived of its source packets is;
    the rest is interpolated. Where packets have unequal lengths (`integers`), the parity is over zeros to the
    longest. See `SemanticCode` and `code_of`.
    """

    name = "rs"

    def __init__(
        self,
        rate: float = 0.5,
        group: int = 4,
        look_ahead: int = 0,
        device: str = "cpu",
        interpolation: str = "linear",
        coding: str = "float16",
    ) -> None:
        del device
        if coding not in ("float16", "integers"):
            raise ValueError(f"coding is {coding!r}; it is float16 or integers")
        if interpolation not in INTERPOLATIONS:
            raise ValueError(f"interpolation is {interpolation!r}; it is one of {', '.join(INTERPOLATIONS)}")
        self.layout = Layout(rate, group, look_ahead)
        self.interpolation = interpolation
        self.coding: Coding = Float16()
        if coding == "integers":
            if self.layout.frames % SOURCE_PACKETS:
                raise ValueError(f"integers at rate {rate:g} need an even group, not {group}")
            self.coding = Integers(SOURCE_PACKETS)
        self.code = self._family().make(SOURCE_PACKETS)
        self.label = self._family().label
        self.delay_frames = self.layout.delay_frames
        self.block_frames, self.block_packets = self.layout.frames, self.code.n

    def _family(self) -> ReedSolomon | NoCode:
        return ReedSolomon(self.layout.rate)

    @classmethod
    def weights(cls) -> dict[str, str]:
        """Empty: nothing here was trained."""
        return {}

    def packets(self, numbers: NDArray[np.float32]) -> list[Packet]:
        """See `SemanticCode.packets`. Source packets leave when their last frame is there."""
        size, out = self.layout.frames, []
        sent_at = [*self.layout.last_frames(), *[size - 1] * (self.code.n - SOURCE_PACKETS)]
        for b, rows in enumerate(self.layout.deal(numbers)):
            source = [self.coding.to_bytes(row) for row in rows]
            longest = max(map(len, source))
            parity = self.code.encode([row.ljust(longest, b"\0") for row in source])[SOURCE_PACKETS:]
            payloads = source + parity
            frames = (min(b * size + int(last), len(numbers) - 1) for last in sent_at)
            out += [Packet(frame, payload) for frame, payload in zip(frames, payloads, strict=True)]
        return out

    def decode(
        self, payloads: list[bytes | None], frames: int, reference: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """See `SemanticCode.decode`."""
        count = len(payloads) // self.code.n
        rows = np.zeros((count, SOURCE_PACKETS, self.layout.row), np.float32)
        known = np.zeros(rows.shape, bool)
        for b in range(count):
            block = payloads[b * self.code.n : (b + 1) * self.code.n]
            longest = max((len(p) for p in block if p is not None), default=0)
            symbols = {esi: p.ljust(longest, b"\0") for esi, p in enumerate(block) if p is not None}
            for i, row in enumerate(self.code.decode(symbols)):
                if row is not None:
                    rows[b, i], known[b, i] = self.coding.from_bytes(row, self.layout.row), True
        numbers, there = self.layout.collect(rows)[:frames], self.layout.collect(known)[:frames]
        return interpolated(numbers, there, self.layout.horizon(frames), reference, self.interpolation)


class Unprotected(ReedSolomonCode):
    """The source packets alone; what is missing is interpolated."""

    name = "none"

    def _family(self) -> NoCode:
        return NoCode()
