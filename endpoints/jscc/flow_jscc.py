"""Joint source-channel coded video with bidirectional flow: key frames, and frames predicted between them."""

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
from lossweep.endpoints.jscc.contract import (
    EncodedSymbols,
    Reception,
    Transmission,
    without_code,
)
from lossweep.endpoints.jscc.gops import gops, playback
from lossweep.endpoints.weights import sha256


class FlowJsccParams(BaseModel):
    """Options of joint source-channel coding with bidirectional flow.

    Attributes:
        rho: complex channel uses per colour value, all that is sent included.
        gop: frames from one key frame to the next; 1 sends key frames alone.
    """

    model_config = ConfigDict(extra="forbid")
    name: Literal["flow-jscc"] = "flow-jscc"
    rho: float = Field(1 / 32, gt=0, le=1 / 8)
    gop: int = Field(4, ge=1, le=8)


@dataclass(frozen=True)
class FlowJsccSession:
    """What the receiver knows beforehand; the networks ship.

    Attributes:
        width, height: of the pictures.
        fps: pictures per second.
        frames: of the clip.
        gop: frames from one key frame to the next.
        key_symbols, between_symbols: complex symbols of a key frame, and of a frame between two.
    """

    width: int
    height: int
    fps: float
    frames: int
    gop: int
    key_symbols: int
    between_symbols: int


class FlowJsccEndpoint:
    """Every frame is one transmission: key frames first, then the frames between them.

    The frame 0, then every `gop`-th, and the last one are key frames. A frame between two is predicted from both at the
    receiver, along their bidirectional flow, and what is sent corrects the prediction.

    Source: Zhang et al., "Deep Learning Enabled Semantic Communication Systems for Video Transmission". What is scaled
    down and what differs: `model/README.md`.
    """

    Params = FlowJsccParams
    carries = "symbols"
    sends = "video"
    title = "flow JSCC"

    def __init__(self, params: FlowJsccParams, code: CodeFamily, device: str = "cpu") -> None:
        self.params, self.code, self.device = params, without_code(params.name, code), device
        self.name = self.label = "flow-jscc" if params.gop > 1 else "key-jscc"

    @classmethod
    def weights(cls) -> dict[str, str]:
        """File name -> SHA-256 of the weights."""
        folder = Path(__file__).parent / "model"
        return sha256(folder / "key_frames.safetensors", folder / "prediction.safetensors")

    def encode(self, clip: Clip, channel: PhysicalChannel) -> EncodedSymbols[FlowJsccSession]:
        """See `SymbolEndpoint.encode`."""
        from lossweep.endpoints.jscc.flow_coder import budget, send_frames
        from lossweep.endpoints.jscc.key_frame_network import SIDE

        video = np.concatenate(list(gops(clip, 1, multiple=SIDE)))
        height, width = video.shape[1:3]
        symbols = budget(self.params.rho, self.params.gop, len(video), height, width)
        session = FlowJsccSession(width, height, clip.fps, len(video), self.params.gop, *symbols)
        sent = send_frames(video, session.gop, symbols, float(channel.believed_db), self.device)
        columns = {"codec": self.name, **self.params.model_dump(exclude={"name"})}
        return EncodedSymbols(tuple(map(Transmission, sent)), session, columns)

    @classmethod
    def decode(cls, received: Sequence[Reception], session: FlowJsccSession, device: str = "cpu") -> Playback:
        """See `SymbolEndpoint.decode`."""
        from lossweep.endpoints.jscc.flow_coder import receive_frames

        size = session.frames, session.gop, session.height, session.width
        pictures = receive_frames([one.received for one in received], *size, device)
        return playback(pictures, session.width, session.height, session.fps)
