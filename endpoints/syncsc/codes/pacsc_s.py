"""PacSC-S: systematic, real-valued parity, and a decoder that knows how faces move."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.syncsc.codes.code import Packet
from lossweep.endpoints.syncsc.codes.interleaving import SOURCE_PACKETS, Layout
from lossweep.endpoints.syncsc.semantics import STEP

WIRE = np.dtype(">f2")
FILE = "pacsc-s.safetensors"
AT_ONCE = 64


class PacSCS:
    """Source packets are the semantics; parity packets are weighted sums of them; losses are estimated.

    The 4 source packets of a block carry its float16 semantics, frame i in packet i mod 4. A parity packet holds,
    for every four frames and each of the 16 numbers, a weighted sum of the four, in 16 bits; its weights were
    learned (`parity`). The receiver takes all that arrived in a window of 32 frames up to the newest whole block
    as linear measurements of a Gaussian process with the measured autocovariance of faces in motion, and takes
    the conditional mean (`motion`, `evidence`); a Transformer corrects it where faces are not Gaussian
    (`residual`; on people it has not seen that changes the error by less than 1 %, says the card). What arrived is
    exact; where any four of a block's packets arrived the rest is known to about a step of the semantics' grid
    and snaps to it; and each further packet helps where there are fewer.

    Frames in a block are a multiple of 4 (an even group at rate 1/2), block and look-ahead at most 32.
    See `SemanticCode`.
    """

    name = "pacsc-s"

    def __init__(self, rate: float = 0.5, group: int = 4, look_ahead: int = 0, device: str = "cpu") -> None:
        from lossweep.endpoints.syncsc.codes.measurements import WINDOW

        self.layout = Layout(rate, group, look_ahead)
        if self.layout.frames % SOURCE_PACKETS:
            raise ValueError(f"pacsc-s at rate {rate:g} needs an even group, not {group}")
        if self.layout.frames + look_ahead > WINDOW:
            raise ValueError(
                f"pacsc-s: {self.layout.frames} frames a block and {look_ahead} of look-ahead are more than "
                f"its window of {WINDOW}; use a smaller group or look-ahead"
            )
        self.device = device
        self.label = f"{self.name}-{rate:g}"
        self.delay_frames = self.layout.delay_frames
        self.block_frames, self.block_packets = self.layout.frames, self.layout.packets

    @classmethod
    def weights(cls) -> dict[str, str]:
        """Covariance and parity; network."""
        from lossweep.endpoints.syncsc.codes import motion
        from lossweep.endpoints.syncsc.codes import weights as stored

        return stored.digests(motion.FILE, FILE)

    def packets(self, numbers: NDArray[np.float32]) -> list[Packet]:
        """See `SemanticCode.packets`. Source packets leave when their last frame is there."""
        from lossweep.endpoints.syncsc.codes.motion import Motion
        from lossweep.endpoints.syncsc.codes.parity import to_wire

        parity, size, out = Motion.load().parity[self.layout.rate].numpy(), self.layout.frames, []
        sent_at = [*self.layout.last_frames(), *[size - 1] * len(parity)]
        for b, rows in enumerate(self.layout.deal(numbers)):
            payloads = [row.astype(WIRE).tobytes() for row in rows]
            payloads += [to_wire(row) for row in parity @ rows.astype(np.float64)]
            frames = (min(b * size + int(last), len(numbers) - 1) for last in sent_at)
            out += [Packet(frame, payload) for frame, payload in zip(frames, payloads, strict=True)]
        return out

    def decode(
        self, payloads: list[bytes | None], frames: int, reference: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """See `SemanticCode.decode`."""
        import torch

        from lossweep.endpoints.syncsc.codes.measurements import WINDOW, Evidence
        from lossweep.endpoints.syncsc.codes.motion import Motion

        motion, size, n = Motion.load(), self.layout.frames, self.layout.packets
        evidence = Evidence.of(payloads, self.layout, motion, reference)
        out, missing = self._arrived(payloads)
        count = len(payloads) // n
        # At a block's end the frames are shown that wait for it and for no later one.
        ends = np.minimum(self.layout.horizon(count * size) // size, count - 1)
        wanted = np.unique(ends[missing & (np.arange(count * size) < frames)])
        for first in range(0, len(wanted), AT_ONCE):
            blocks = wanted[first : first + AT_ONCE]
            windows = evidence.windows(blocks, motion)
            with torch.inference_mode():
                mean = self._corrected(windows).numpy()
            deviation = windows.covariance.diagonal(dim1=2, dim2=3).numpy()
            sure = deviation < np.square(STEP / 6)
            mean = np.where(sure, (np.round(mean / STEP) * STEP).astype(np.float16), mean)
            for block, window in zip(blocks, mean, strict=True):
                shown = np.flatnonzero((ends == block) & missing)
                out[shown] = window[:, shown - (block + 1) * size + WINDOW].T
        return out[:frames]

    def _corrected(self, windows):
        return _network(self.device)(windows)

    def _arrived(self, payloads: list[bytes | None]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The frames whose packets arrived (zeros elsewhere), and which are missing."""
        n, row = self.layout.packets, self.layout.row
        rows = np.zeros((len(payloads) // n, SOURCE_PACKETS, row), np.float32)
        missing = np.ones(rows.shape, bool)
        for i, payload in enumerate(payloads):
            block, esi = divmod(i, n)
            if payload is not None and esi < SOURCE_PACKETS:
                rows[block, esi], missing[block, esi] = np.frombuffer(payload, WIRE), False
        return self.layout.collect(rows), self.layout.collect(missing).any(1)


@lru_cache(maxsize=2)
def _network(device: str):
    from lossweep.endpoints.syncsc.codes.residual import Residual, ResidualConfig
    from lossweep.endpoints.syncsc.codes.weights import SHIPPED, load

    return load(SHIPPED / FILE, lambda c: Residual(ResidualConfig(**c)), device)
