"""pacsc-s: systematic linear parity with Gaussian (conditional-mean) estimation of what is lost."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.syncsc.codes.code import LARGEST, Estimate, PassThrough, Rows
from lossweep.endpoints.syncsc.codes.interleaving import SOURCE_PACKETS, WINDOW, Layout
from lossweep.endpoints.syncsc.semantics import STEP

WIRE = np.dtype(">f2")
BATCH = 64


class PacSCS:
    """Source packets are the coefficients; parity packets are weighted sums of them; losses are estimated.

    The 4 source packets of a block carry its float16 coefficients, frame i in packet i mod 4. A parity packet
    holds, for every four frames and each of the 16 coefficients, a weighted sum of the four, in 16 bits; the
    weights were found by gradient descent (`parity`). The receiver takes all that arrived in a window of 32 frames
    up to the newest whole block as linear measurements of a Gaussian process with the measured autocovariance
    of faces in motion, and shows the conditional mean (`motion`, `measurements`). What arrived is exact; where
    any four of a block's packets arrived the rest is known to about a step of the coefficients' grid and is
    rounded to it; and each further packet helps where there are fewer.

    Frames in a block are a multiple of 4 (an even group at rate 1/2), block and look-ahead at most 32.
    See `FaceCode`.

    Raises:
        ValueError: a layout that it does not have, and what to change.
    """

    def __init__(self, layout: Layout) -> None:
        if layout.frames % SOURCE_PACKETS:
            raise ValueError(
                f"pacsc-s at code_rate {layout.code_rate:g} needs an even group, not {layout.group}"
            )
        if layout.frames + layout.look_ahead > WINDOW:
            raise ValueError(
                f"pacsc-s: {layout.frames} frames per block and {layout.look_ahead} of look-ahead are more than "
                f"its window of {WINDOW}; use a smaller group or look-ahead"
            )
        self.layout = layout
        self.block = PassThrough(round(SOURCE_PACKETS / layout.code_rate))
        self.ready = layout.ready(self.block.n, lambda esi: range(SOURCE_PACKETS))

    def encode(self, coefficients: NDArray[np.float32]) -> list[list[bytes]]:
        """See `FaceCode.encode`."""
        from lossweep.endpoints.syncsc.codes.motion import Motion
        from lossweep.endpoints.syncsc.codes.parity import to_wire

        parity = Motion.load().parity[self.layout.code_rate].numpy()
        return [
            [row.astype(WIRE).tobytes() for row in rows]
            + [to_wire(row) for row in parity @ rows.astype(np.float64)]
            for rows in self.layout.interleave(coefficients)
        ]

    def decode(self, rows: Rows, reference: NDArray[np.float32]) -> Estimate:
        """See `FaceCode.decode`. A frame is whole where the three-sigma interval is half a grid step or less."""
        from lossweep.endpoints.syncsc.codes.measurements import Measurements
        from lossweep.endpoints.syncsc.codes.motion import Motion

        motion, size, count = Motion.load(), self.layout.frames, len(rows)
        received = self._valid(rows)
        measurements = Measurements.from_rows(received, self.layout, motion, reference)
        out, missing = self._arrived(received)
        whole = ~missing
        # At a block's end the frames are shown that wait for it and for no later one.
        ends = np.minimum(self.layout.horizon(count * size) // size, count - 1)
        wanted = np.unique(ends[missing])
        for first in range(0, len(wanted), BATCH):
            blocks = wanted[first : first + BATCH]
            windows = measurements.windows(blocks, motion)
            mean = windows.mean.numpy()
            variance = windows.covariance.diagonal(dim1=2, dim2=3).numpy()
            exact = variance < np.square(STEP / 6)
            mean = np.where(exact, (np.round(mean / STEP) * STEP).astype(np.float16), mean)
            for block, window, sure in zip(blocks, mean, exact.all(1), strict=True):
                shown = np.flatnonzero((ends == block) & missing)
                at = shown - (block + 1) * size + WINDOW
                out[shown], whole[shown] = window[:, at].T, sure[at]
        return Estimate(np.clip(out, -LARGEST, LARGEST), whole)

    def _valid(self, rows: Rows) -> list[list[NDArray[np.float64] | None]]:
        """The rows as numbers [row], nan where a parity row says that it is unknown; None for no row at all."""
        from lossweep.endpoints.syncsc.codes.parity import from_wire

        size = WIRE.itemsize * self.layout.row
        out: list[list[NDArray[np.float64] | None]] = []
        for block in rows:
            out.append([None] * self.block.n)
            for esi, data in enumerate(block):
                if data is None or len(data) != size:
                    continue
                if esi >= SOURCE_PACKETS:
                    out[-1][esi] = from_wire(data)
                    continue
                row = np.frombuffer(data, WIRE).astype(np.float64)
                if np.isfinite(row).all():
                    out[-1][esi] = np.clip(row, -LARGEST, LARGEST)
        return out

    def _arrived(
        self, rows: list[list[NDArray[np.float64] | None]]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The frames whose packets arrived (zeros elsewhere), and which are missing."""
        source = np.zeros((len(rows), SOURCE_PACKETS, self.layout.row), np.float32)
        missing = np.ones(source.shape, bool)
        for b, block in enumerate(rows):
            for i, row in enumerate(block[:SOURCE_PACKETS]):
                if row is not None:
                    source[b, i], missing[b, i] = row, False
        return self.layout.deinterleave(source), np.asarray(self.layout.deinterleave(missing).any(1))
