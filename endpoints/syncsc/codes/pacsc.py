"""PacSC, the packet code of the SyncSC paper."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.syncsc import MODEL
from lossweep.endpoints.syncsc.codes.code import LARGEST, Estimate, PassThrough, Rows
from lossweep.endpoints.syncsc.codes.interleaving import SOURCE_PACKETS, Layout, rows_of_packets
from lossweep.endpoints.syncsc.face_model import COEFFICIENTS
from lossweep.endpoints.syncsc.semantics import blocks
from lossweep.endpoints.weights import load_configured

if TYPE_CHECKING:
    from lossweep.endpoints.syncsc.codes.pacsc_network import PacSCNetwork

WIRE = np.dtype(">f2")


class PacSC:
    """A masked autoencoder whose encoded rows are sent; the decoder fills in for rows that are lost.

    It is not systematic: nothing is exact, even where nothing is lost; a frame counts as whole where all packets
    of its group arrived. The paper's block is 2 frames (rate 1/2) or 4 (rate 1/4). The blocks of a group are coded as
    one, by 16 frames at most; a group of one block is the paper's. The look-ahead is waited for and not used. Rows are
    sent as float16. Where the paper is silent: which rows share a packet (`rows_of_packets`), and of a group none of
    whose packets arrived the network knows nothing, so the last frame is held. The paper's numbers and alternatives:
    the model card `pacsc.md`. See `FaceCode`.

    Source: the SyncSC paper, Section III-B, eq. 4, 5, 10 to 12.
    """

    def __init__(self, layout: Layout, device: str = "cpu") -> None:
        self.layout, self.device = layout, device
        self.block = PassThrough(round(SOURCE_PACKETS / layout.code_rate))
        self.ready = np.full(self.block.n, layout.frames - 1)
        self._places = rows_of_packets(layout.group, self.block.n)[
            None, :, :, None
        ]  # of [blocks, group, n, row]

    def encode(self, coefficients: NDArray[np.float32]) -> list[list[bytes]]:
        """See `FaceCode.encode`."""
        import torch

        network = _network(self.layout.code_rate, self.device)
        whole = torch.from_numpy(blocks(coefficients, self.layout.frames)).to(self.device)
        with torch.inference_mode():
            rows = network.encode(whole).cpu().numpy()
        rows = rows.reshape(len(rows), self.layout.group, self.block.n, network.config.row)
        packets = np.take_along_axis(rows, self._places, 2).transpose(0, 2, 1, 3).astype(WIRE)
        return [[packet.tobytes() for packet in block] for block in packets]

    def decode(self, rows: Rows, reference: NDArray[np.float32]) -> Estimate:
        """See `FaceCode.decode`."""
        import torch

        network, group, n = _network(self.layout.code_rate, self.device), self.layout.group, self.block.n
        width = network.config.row
        received = np.zeros((len(rows), n, group, width), np.float32)
        there = np.zeros((len(rows), n), bool)
        for b, block in enumerate(rows):
            for i, data in enumerate(block):
                if data is not None and len(data) == WIRE.itemsize * group * width:
                    row = np.frombuffer(data, WIRE).astype(np.float32)
                    if np.isfinite(row).all():
                        received[b, i], there[b, i] = row.reshape(group, width), True
        most = network.largest_row().cpu().numpy()
        received = np.clip(received, -most, most).transpose(0, 2, 1, 3)
        coded = np.empty_like(received)
        np.put_along_axis(coded, self._places, received, 2)
        with torch.inference_mode():
            coded = coded.reshape(len(rows), group * n, width)
            decoded = network.decode(torch.from_numpy(coded).to(self.device)).cpu().numpy()
        numbers = np.clip(decoded, -LARGEST, LARGEST).reshape(-1, self.layout.frames, COEFFICIENTS)
        held = np.asarray(reference, np.float32)
        for i, arrived in enumerate(np.asarray(there.any(1))):
            if not arrived:
                numbers[i] = held
            held = numbers[i, -1]
        whole = np.repeat(there.all(1), self.layout.frames)
        return Estimate(numbers.reshape(-1, COEFFICIENTS), whole)


@lru_cache(maxsize=4)
def _network(code_rate: float, device: str) -> PacSCNetwork:
    from lossweep.endpoints.syncsc.codes.pacsc_network import PacSCConfig, PacSCNetwork

    path = MODEL / f"pacsc-{code_rate:g}.safetensors"
    return load_configured(path, "pacsc", lambda sizes: PacSCNetwork(PacSCConfig(**sizes)), device)
