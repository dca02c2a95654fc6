"""DeepWiVe: key frames and interpolated frames whose shares of the symbols a deep Q network chooses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from lossweep.channels.physical import PhysicalChannel
from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.fec.code import CodeFamily
from lossweep.endpoints.jscc.contract import EncodedSymbols, Reception, Transmission, without_code
from lossweep.endpoints.jscc.gops import gops, playback
from lossweep.endpoints.weights import sha256

GOP: Literal[4] = 4
SIDE = 16


class DeepWiveParams(BaseModel):
    """Options of DeepWiVe.

    Attributes:
        rho: complex channel uses per colour value, all that is sent included.
        gop: frames from one key frame to the next; the networks are made for 4.
        allocation: of a group's symbols to its frames: by the deep Q network, or all alike.
    """

    model_config = ConfigDict(extra="forbid")
    name: Literal["deepwive"] = "deepwive"
    rho: float = Field(1 / 32, gt=0, le=1 / 16)
    gop: Literal[4] = GOP
    allocation: Literal["learned", "uniform"] = "learned"


@dataclass(frozen=True)
class DeepWiveSession:
    """What the receiver knows beforehand; the networks ship.

    Attributes:
        width, height: of the pictures.
        fps: pictures per second.
        frames: of the clip.
        first_symbols, chunk_symbols: complex symbols of the first frame, and of a twentieth of a group.
    """

    width: int
    height: int
    fps: float
    frames: int
    first_symbols: int
    chunk_symbols: int


class DeepWiveEndpoint:
    """The first frame is one transmission, then every group of 4 frames is one.

    A group starts with 128 symbols that say how its 20 chunks are shared; the rest is the key frame (the last of the
    group) and frames 2, 1 and 3, each with the power of its own symbols. A receiver that reads the wrong header shows
    wrong pictures. The last group is filled up with its last frame.

    Key frames are sent by the codec of `flow-jscc`, so that the two systems differ in what is between them.

    Source: Tung and Gunduz 2022, "DeepWiVe: Deep-learning-aided wireless video transmission" (arXiv 2111.13034). In its
    public code unused chunks count in the power normalisation, which gives the others too much power; here they do
    not.
    """

    Params = DeepWiveParams
    carries = "symbols"
    sends = "video"
    title = "DeepWiVe"

    def __init__(self, params: DeepWiveParams, code: CodeFamily, device: str = "cpu") -> None:
        self.params, self.code, self.device = params, without_code(params.name, code), device
        self.name = self.label = "deepwive" if params.allocation == "learned" else "deepwive-uniform"

    @classmethod
    def weights(cls) -> dict[str, str]:
        """File name -> SHA-256 of the weights."""
        folder = Path(__file__).parent / "model"
        names = ("key_frames", "interpolation", "allocation")
        return sha256(*(folder / f"{name}.safetensors" for name in names))

    def encode(self, clip: Clip, channel: PhysicalChannel) -> EncodedSymbols[DeepWiveSession]:
        """See `SymbolEndpoint.encode`."""
        from lossweep.endpoints.jscc.deepwive_coder import budget, send_frames

        video = np.concatenate(list(gops(clip, GOP + 1, multiple=SIDE)))
        frames, height, width = video.shape[:3]
        video = np.concatenate([video, np.repeat(video[-1:], -(frames - 1) % GOP, 0)])
        symbols = budget(self.params.rho, frames, height, width)
        session = DeepWiveSession(width, height, clip.fps, frames, *symbols)
        sent = send_frames(video, symbols, self.params.allocation, float(channel.believed_db), self.device)
        columns = {"codec": self.name, **self.params.model_dump(exclude={"name"})}
        return EncodedSymbols(tuple(map(Transmission, sent)), session, columns)

    @classmethod
    def decode(cls, received: Sequence[Reception], session: DeepWiveSession, device: str = "cpu") -> Playback:
        """See `SymbolEndpoint.decode`."""
        from lossweep.endpoints.jscc.deepwive_coder import Budget, receive_frames

        symbols = Budget(session.first_symbols, session.chunk_symbols)
        arrived = [one.received for one in received]
        pictures = receive_frames(arrived, symbols, session.height, session.width, device)
        return playback(pictures[: session.frames], session.width, session.height, session.fps)
