"""The coefficients as they are, behind any code that protects packets; what is missing is interpolated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.fec.code import CodeFamily
from lossweep.endpoints.syncsc.codes.code import Estimate, Rows
from lossweep.endpoints.syncsc.codes.golomb_rice import Float16, GolombRice, RowCoding
from lossweep.endpoints.syncsc.codes.interleaving import SOURCE_PACKETS, Layout
from lossweep.endpoints.syncsc.codes.interpolation import interpolated

Interpolation = Literal["linear", "hold"]
Coding = Literal["float16", "integers"]


class PacketCoded:
    """Four source packets of coefficients per block, and the repair packets of a packet code over their bytes.

    Source packets that the code does not give back are interpolated. Where packets have unequal lengths
    (`integers`), the repair packets are over zeros to the longest. See `FaceCode`.

    Args:
        family: a code that protects packets.
        interpolation: "linear", or "hold" (the last known coefficients stay).
        coding: "float16", or "integers" (Golomb-Rice codes of steps of 1/32).
    Raises:
        ValueError: integers with half frames in a packet, or no such code of 4 packets.
    """

    def __init__(
        self,
        layout: Layout,
        family: CodeFamily,
        interpolation: Interpolation = "linear",
        coding: Coding = "float16",
    ) -> None:
        if coding == "integers" and layout.frames % SOURCE_PACKETS:
            raise ValueError(
                f"integers at code_rate {layout.code_rate:g} need an even group, not {layout.group}"
            )
        self.layout, self.interpolation = layout, interpolation
        self.coding: RowCoding = Float16() if coding == "float16" else GolombRice(SOURCE_PACKETS)
        self.block = family.make(SOURCE_PACKETS)
        self.ready = layout.ready(self.block.n, self.block.depends_on)

    def encode(self, coefficients: NDArray[np.float32]) -> list[list[bytes]]:
        """See `FaceCode.encode`."""
        out = []
        for rows in self.layout.interleave(coefficients):
            source = [self.coding.to_bytes(row) for row in rows]
            longest = max(map(len, source))
            coded = self.block.encode([row.ljust(longest, b"\0") for row in source])
            out.append(source + coded[SOURCE_PACKETS:])
        return out

    def decode(self, rows: Rows, reference: NDArray[np.float32]) -> Estimate:
        """See `FaceCode.decode`."""
        numbers = np.zeros((len(rows), SOURCE_PACKETS, self.layout.row), np.float32)
        known = np.zeros(numbers.shape, bool)
        for b, block in enumerate(rows):
            for i, data in enumerate(self.block.decode(self._symbols(block))):
                row = self.coding.from_bytes(data, self.layout.row) if data is not None else None
                if row is not None:
                    numbers[b, i], known[b, i] = row, True
        values, there = self.layout.deinterleave(numbers), self.layout.deinterleave(known)
        shown = interpolated(values, there, self.layout.horizon(len(values)), reference, self.interpolation)
        return Estimate(shown, np.asarray(there.all(1)))

    def _symbols(self, block: Sequence[bytes | None]) -> dict[int, bytes]:
        """Valid rows by ESI, padded to one length: that of the repair rows, or of the longest source row."""
        there = {esi: row for esi, row in enumerate(block) if row is not None and self._valid(esi, row)}
        repair = [len(row) for esi, row in there.items() if esi >= SOURCE_PACKETS]
        longest = max(repair or map(len, there.values()), default=0)
        return {
            esi: row.ljust(longest, b"\0")
            for esi, row in there.items()
            if len(row) == longest or (esi < SOURCE_PACKETS and len(row) < longest)
        }

    def _valid(self, esi: int, row: bytes) -> bool:
        if len(row) not in self.coding.sizes(self.layout.row):
            return False
        return esi >= SOURCE_PACKETS or self.coding.from_bytes(row, self.layout.row) is not None
