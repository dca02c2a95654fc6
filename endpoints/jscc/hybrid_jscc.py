"""Joint source-channel coding with a transform at the sender and a network at the receiver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from lossweep.channels.physical import PhysicalChannel
from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.fec.code import CodeFamily
from lossweep.endpoints.jscc.contract import EncodedSymbols, Reception, Transmission, without_code
from lossweep.endpoints.jscc.gops import gops, playback, uses_of
from lossweep.endpoints.jscc.hybrid_coder import SIDE_SYMBOLS, Estimate, Side, estimate, send
from lossweep.endpoints.jscc.transform import to_pixels
from lossweep.endpoints.weights import sha256

if TYPE_CHECKING:
    from lossweep.endpoints.jscc.restoration_network import RestorationNetwork

MULTIPLE = 8
LEAST = 16
"""Fewest analog symbols of a group."""


class HybridJsccParams(BaseModel):
    """Options of hybrid JSCC.

    Attributes:
        rho: complex channel uses per colour value, all that is sent included.
        gop: pictures that are transformed together.
        restore: the network at the receiver; without it, the linear estimate is shown.
    """

    model_config = ConfigDict(extra="forbid")
    name: Literal["hybrid-jscc"] = "hybrid-jscc"
    rho: float = Field(1 / 32, gt=0, le=1)
    gop: int = Field(8, ge=1, le=64)
    restore: bool = True


@dataclass(frozen=True)
class HybridJsccSession:
    """What the receiver knows beforehand; the network ships.

    Attributes:
        width, height: of the pictures.
        fps: pictures per second.
        frames: of each group of pictures.
        restore: see `HybridJsccParams`.
    """

    width: int
    height: int
    fps: float
    frames: tuple[int, ...]
    restore: bool


class HybridJsccEndpoint:
    """3-D DCT of a group of pictures in analog symbols, power by a model of the variances, a network that restores.

    The model of the variances, the mean colour and the sender's SNR are side information: one transport block of the
    most robust scheme, whose channel uses count. A group whose side information fails is not shown.

    Source: own design after SoftCast (Jakubczak and Katabi, MobiCom 2011); `spectrum`, `hybrid_coder` and
    `restoration_network` say what differs.
    """

    Params = HybridJsccParams
    carries = "symbols"
    sends = "video"
    title = "hybrid JSCC"

    def __init__(self, params: HybridJsccParams, code: CodeFamily, device: str = "cpu") -> None:
        self.params, self.code = params, without_code(params.name, code)
        self.name = self.label = "hybrid-jscc" if params.restore else "linear-jscc"

    @classmethod
    def weights(cls) -> dict[str, str]:
        """File name -> SHA-256 of the weights."""
        from lossweep.endpoints.jscc.key_frames import MODEL

        return sha256(MODEL / "restoration.safetensors")

    def encode(self, clip: Clip, channel: PhysicalChannel) -> EncodedSymbols[HybridJsccSession]:
        """See `SymbolEndpoint.encode`."""
        sent, frames, size = [], [], (0, 0)
        for group in gops(clip, self.params.gop, multiple=MULTIPLE):
            size = group.shape[1], group.shape[2]
            uses = uses_of(self.params.rho, len(group), *size, SIDE_SYMBOLS + LEAST)
            k = min(uses - SIDE_SYMBOLS, group.size // 2)
            symbols, side = send(group, channel.believed_db, k)
            sent.append(Transmission(symbols, (side.to_bytes(),)))
            frames.append(len(group))
        session = HybridJsccSession(size[1], size[0], clip.fps, tuple(frames), self.params.restore)
        columns = {"codec": "hybrid-jscc", **self.params.model_dump(exclude={"name"})}
        return EncodedSymbols(tuple(sent), session, columns)

    @classmethod
    def decode(
        cls, received: Sequence[Reception], session: HybridJsccSession, device: str = "cpu"
    ) -> Playback:
        """See `SymbolEndpoint.decode`."""
        pictures: list[NDArray[np.uint8] | None] = []
        for reception, frames in zip(received, session.frames, strict=True):
            block = reception.blocks[0] if reception.blocks else None
            if block is None:
                pictures += [None] * frames
                continue
            symbols, noise = reception.received.equalized()
            side = Side.from_bytes(block)
            found = estimate(symbols, noise, side, frames, session.height, session.width)
            shown = _restored(found, device) if session.restore else found.pictures
            pictures += list(to_pixels(shown))
        return playback(pictures, session.width, session.height, session.fps)


def _restored(found: Estimate, device: str) -> NDArray[np.float64]:
    import torch

    pictures = torch.from_numpy(found.pictures).to(device).permute(0, 3, 1, 2)[None].float() / 127.5 - 1
    errors = torch.tensor([found.errors], device=device)
    with torch.inference_mode():
        restored = _network(device)(pictures, errors)[0]
    return np.asarray(((restored.permute(0, 2, 3, 1) + 1) * 127.5).double().cpu().numpy())


@lru_cache(maxsize=2)
def _network(device: str) -> RestorationNetwork:
    import torch

    from lossweep.endpoints.jscc.key_frames import MODEL, TRAINER
    from lossweep.endpoints.jscc.restoration_network import RestorationNetwork
    from lossweep.endpoints.weights import load

    network = load(MODEL / "restoration.safetensors", "restoration", RestorationNetwork(), TRAINER)
    return network.to(device, memory_format=torch.channels_last)
