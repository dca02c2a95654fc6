"""Joint source-channel coded video with bidirectional flow: key frames, and frames predicted between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from lossweep.channels.physical import PhysicalChannel, ReceivedSymbols
from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.fec.code import CodeFamily
from lossweep.endpoints.jscc import key_frame_network, prediction_network
from lossweep.endpoints.jscc.contract import (
    EncodedSymbols,
    Reception,
    SymbolError,
    Transmission,
    without_code,
)
from lossweep.endpoints.jscc.gops import gops, playback
from lossweep.endpoints.jscc.key_frame_network import SIDE, KeyFrameNetwork
from lossweep.endpoints.jscc.power import PILOTS, receive, send
from lossweep.endpoints.jscc.prediction_network import PredictionNetwork
from lossweep.endpoints.weights import load, sha256

MODEL = Path(__file__).parent / "model"
TRAINER = "lossweep.experiments.training.jscc.train"
KEY_RATIO = 4.0
"""Symbols of a key frame over those of a frame between key frames."""
LEAST = 10 * PILOTS
"""Fewest symbols of a frame: the pilots, and as much energy as they may take."""


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


class Place(NamedTuple):
    """A frame in the order of transmission; `before` and `after` are its key frames, or itself where it is one."""

    frame: int
    before: int
    after: int


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
        return sha256(*sorted(MODEL.glob("*.safetensors")))

    @torch.inference_mode()
    def encode(self, clip: Clip, channel: PhysicalChannel) -> EncodedSymbols[FlowJsccSession]:
        """See `SymbolEndpoint.encode`."""
        video = np.concatenate(list(gops(clip, 1, multiple=SIDE)))
        height, width = video.shape[1:3]
        session = self._session(len(video), height, width, clip.fps)
        snr_db = torch.full((1,), float(channel.believed_db), device=self.device)
        known: dict[int, Tensor] = {}
        sent = []
        for place in order(len(video), self.params.gop):
            picture = _to_tensor(video[place.frame], self.device)
            if place.before == place.after:
                symbols = _send_key(_keys(self.device), picture, snr_db, session.key_symbols)
                noise = torch.full_like(snr_db, 10 ** (-channel.believed_db / 10))
                known[place.frame] = _receive_key(_keys(self.device), symbols, noise, snr_db, height, width)
            else:
                predicted = _prediction(self.device).predict(
                    known[place.before], known[place.after], _when(place, snr_db)
                )
                symbols = _send_between(
                    _prediction(self.device), picture, predicted, snr_db, session.between_symbols
                )
            sent.append(Transmission(symbols[0].cpu().numpy()))
        columns = {"codec": self.name, **self.params.model_dump(exclude={"name"})}
        return EncodedSymbols(tuple(sent), session, columns)

    @classmethod
    @torch.inference_mode()
    def decode(cls, received: Sequence[Reception], session: FlowJsccSession, device: str = "cpu") -> Playback:
        """See `SymbolEndpoint.decode`."""
        shown: dict[int, Tensor] = {}
        for place, reception in zip(order(session.frames, session.gop), received, strict=True):
            symbols, noise, snr_db = _heard(reception.received, device)
            if place.before == place.after:
                shown[place.frame] = _receive_key(
                    _keys(device), symbols, noise, snr_db, session.height, session.width
                )
            else:
                predicted = _prediction(device).predict(
                    shown[place.before], shown[place.after], _when(place, snr_db)
                )
                features, variance = receive(symbols, noise)
                shown[place.frame] = (
                    _prediction(device).decode(features, variance, predicted, snr_db).clamp(-1, 1)
                )
        pictures = [_to_pixels(shown[i]) for i in range(session.frames)]
        return playback(pictures, session.width, session.height, session.fps)

    def _session(self, frames: int, height: int, width: int, fps: float) -> FlowJsccSession:
        places = list(order(frames, self.params.gop))
        keys = sum(place.before == place.after for place in places)
        total = self.params.rho * 3 * height * width * frames
        share = total / (KEY_RATIO * keys + len(places) - keys)
        squares = (height // SIDE) * (width // SIDE)
        key = min(int(KEY_RATIO * share), key_frame_network.CHANNELS * squares // 2 + PILOTS)
        between = min(int(share), prediction_network.CHANNELS * squares // 2 + PILOTS)
        if min(key, between) < LEAST:
            raise SymbolError(
                f"rho {self.params.rho:g} leaves {min(key, between)} symbols for a frame of {width}x{height}; at "
                f"least {LEAST} are needed"
            )
        return FlowJsccSession(width, height, fps, frames, self.params.gop, key, between)


def order(frames: int, gop: int) -> Iterator[Place]:
    """Frames in the order of transmission: each key frame, then those between it and the one before."""
    yield Place(0, 0, 0)
    before = 0
    while before < frames - 1:
        after = min(before + gop, frames - 1)
        yield Place(after, after, after)
        for frame in range(before + 1, after):
            yield Place(frame, before, after)
        before = after


@lru_cache(maxsize=2)
def _keys(device: str) -> KeyFrameNetwork:
    network = load(MODEL / "key_frames.safetensors", "key-frames", KeyFrameNetwork(), TRAINER)
    return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


@lru_cache(maxsize=2)
def _prediction(device: str) -> PredictionNetwork:
    network = load(MODEL / "prediction.safetensors", "prediction", PredictionNetwork(), TRAINER)
    return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _send_key(network: KeyFrameNetwork, picture: Tensor, snr_db: Tensor, k: int) -> Tensor:
    squares = (picture.shape[2] // SIDE) * (picture.shape[3] // SIDE)
    share = torch.full_like(snr_db, 2 * (k - PILOTS) / (key_frame_network.CHANNELS * squares))
    return send(network.encode(picture, snr_db, share), k)


def _receive_key(
    network: KeyFrameNetwork, symbols: Tensor, noise: Tensor, snr_db: Tensor, height: int, width: int
) -> Tensor:
    features, variance = receive(symbols, noise)
    return network.decode(features, variance, snr_db, height, width)[0].clamp(-1, 1)


def _send_between(
    network: PredictionNetwork, picture: Tensor, predicted: Tensor, snr_db: Tensor, k: int
) -> Tensor:
    squares = (picture.shape[2] // SIDE) * (picture.shape[3] // SIDE)
    share = torch.full_like(snr_db, 2 * (k - PILOTS) / (prediction_network.CHANNELS * squares))
    return send(network.encode(picture, predicted, snr_db, share), k)


def _heard(received: ReceivedSymbols, device: str) -> tuple[Tensor, Tensor, Tensor]:
    """Equalised symbols [1, k], their noise variances [1, k], and the SNR [1] that the receiver believes."""
    symbols, noise = received.equalized()
    snr_db = -10 * np.log10(received.noise_variance)
    return (
        torch.from_numpy(symbols)[None].to(device),
        torch.from_numpy(noise)[None].to(device),
        torch.full((1,), float(snr_db), device=device),
    )


def _when(place: Place, like: Tensor) -> Tensor:
    return torch.full_like(like, (place.frame - place.before) / (place.after - place.before))


def _to_tensor(pixels: NDArray[np.uint8], device: str) -> Tensor:
    picture = torch.from_numpy(np.ascontiguousarray(pixels)).to(device).permute(2, 0, 1)[None]
    return (picture.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def _to_pixels(picture: Tensor) -> NDArray[np.uint8]:
    pixels = ((picture[0].permute(1, 2, 0) + 1) * 127.5).round().clamp(0, 255)
    return pixels.to(torch.uint8).cpu().numpy()
