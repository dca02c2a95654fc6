"""The semantics as they are, alone or with Reed-Solomon parity; what is missing is interpolated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from endpoints.fec.none import NoCode
from endpoints.fec.reed_solomon import ReedSolomon
from endpoints.syncsc.codes.code import Packet
from endpoints.syncsc.codes.interpolation import INTERPOLATIONS, interpolated
from endpoints.syncsc.codes.layout import SOURCE_PACKETS, Layout
from endpoints.syncsc.face_model import COEFFICIENTS

WIRE = np.dtype(">f2")


class ReedSolomonCode:
    """Source packets of float16 semantics and Reed-Solomon parity packets over their bytes.

    A block is known whole when any 4 of its packets arrived, else what arrived of its source packets is;
    the rest is interpolated. See `SemanticCode` and `code_of`.
    """

    name = "rs"

    def __init__(
        self,
        rate: float = 0.5,
        group: int = 4,
        look_ahead: int = 0,
        device: str = "cpu",
        interpolation: str = "linear",
    ) -> None:
        del device
        if interpolation not in INTERPOLATIONS:
            raise ValueError(f"interpolation is {interpolation!r}; it is one of {', '.join(INTERPOLATIONS)}")
        self.layout = Layout(rate, group, look_ahead)
        self.interpolation = interpolation
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
            payloads = self.code.encode([row.astype(WIRE).tobytes() for row in rows])
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
            for i, row in enumerate(self.code.decode({e: p for e, p in enumerate(block) if p is not None})):
                if row is not None:
                    rows[b, i], known[b, i] = np.frombuffer(row, WIRE), True
        numbers, there = self.layout.collect(rows)[:frames], self.layout.collect(known)[:frames]
        assert numbers.shape == (frames, COEFFICIENTS)
        return interpolated(numbers, there, self.layout.horizon(frames), reference, self.interpolation)


class Unprotected(ReedSolomonCode):
    """The source packets alone; what is missing is interpolated."""

    name = "none"

    def _family(self) -> NoCode:
        return NoCode()
