"""PacSC, the packet code of the SyncSC paper, as it is in the paper."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.syncsc.codes.code import Packet
from lossweep.endpoints.syncsc.codes.interleaving import Layout
from lossweep.endpoints.syncsc.face_model import COEFFICIENTS
from lossweep.endpoints.syncsc.semantics import blocks

WIRE = np.dtype(">f2")


class PacSC:
    """A masked autoencoder whose encoded rows are sent; the decoder fills in for rows that are lost.

    It is not systematic: nothing is exact, even where nothing is lost. A block is 2 frames (rate 1/2) or 4
    (rate 1/4), decoded by itself, so the look-ahead is waited for and not used. Rows are sent as float16. Where
    the paper is silent: of a block none of whose rows arrived the network knows nothing, and the last frame
    is held. The paper's numbers and alternatives: `pacsc_training` and its card. See `SemanticCode`.

    Source: the SyncSC paper, Section III-B, eq. 4, 5, 10 to 12.
    """

    name = "pacsc"

    def __init__(self, rate: float = 0.5, group: int = 4, look_ahead: int = 0, device: str = "cpu") -> None:
        self.layout = Layout(rate, group, look_ahead)
        self.device = device
        self.label = f"{self.name}-{rate:g}"
        self.delay_frames = self.layout.delay_frames
        self.block_frames, self.block_packets = self.layout.frames, self.layout.packets

    @classmethod
    def weights(cls) -> dict[str, str]:
        """Of both code rates."""
        from lossweep.endpoints.syncsc.codes.weights import digests

        return digests("pacsc-0.5.safetensors", "pacsc-0.25.safetensors")

    def packets(self, numbers: NDArray[np.float32]) -> list[Packet]:
        """See `SemanticCode.packets`. All of a block's packets leave at its end."""
        import torch

        network, group = _network(self.layout.rate, self.device), self.layout.group
        whole = blocks(numbers, self.layout.frames).reshape(-1, network.config.frames, COEFFICIENTS)
        with torch.inference_mode():
            rows = network.encode(torch.from_numpy(whole).to(self.device)).cpu().numpy()
        rows = rows.reshape(-1, group, self.layout.packets, network.config.row).transpose(0, 2, 1, 3)
        return [
            Packet(min((b + 1) * self.layout.frames, len(numbers)) - 1, row.astype(WIRE).tobytes())
            for b, block in enumerate(rows)
            for row in block
        ]

    def decode(
        self, payloads: list[bytes | None], frames: int, reference: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """See `SemanticCode.decode`."""
        import torch

        network, group, n = _network(self.layout.rate, self.device), self.layout.group, self.layout.packets
        rows = np.zeros((len(payloads), group, network.config.row), np.float32)
        for row, payload in zip(rows, payloads, strict=True):
            if payload is not None:
                row[:] = np.frombuffer(payload, WIRE).reshape(row.shape)
        rows = rows.reshape(-1, n, group, network.config.row).transpose(0, 2, 1, 3)
        with torch.inference_mode():
            got = network.decode(torch.tensor(rows.reshape(-1, n, network.config.row), device=self.device))
        numbers = got.cpu().numpy().reshape(-1, self.layout.frames, COEFFICIENTS)
        there = np.array([p is not None for p in payloads]).reshape(-1, n).any(1)
        held = np.float32(reference)
        for i, arrived in enumerate(there):
            if not arrived:
                numbers[i] = held
            held = numbers[i, -1]
        return numbers.reshape(-1, COEFFICIENTS)[:frames]


@lru_cache(maxsize=4)
def _network(rate: float, device: str):
    from lossweep.endpoints.syncsc.codes.pacsc_network import PacSCConfig, PacSCNetwork
    from lossweep.endpoints.syncsc.codes.weights import SHIPPED, load

    return load(SHIPPED / f"pacsc-{rate:g}.safetensors", lambda c: PacSCNetwork(PacSCConfig(**c)), device)
