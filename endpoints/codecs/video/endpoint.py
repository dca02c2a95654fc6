"""Conventional video as an endpoint: a real encoder, RTP packets, a packet code, what a receiver shows."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from lossweep.endpoints.clip import Clip, ClipError, Playback
from lossweep.endpoints.codecs.video import object_packets, rtp_packets
from lossweep.endpoints.codecs.video.codec import AV1, H264, H265, Codec
from lossweep.endpoints.codecs.video.decode import Picture, decode_block, picture
from lossweep.endpoints.codecs.video.encode import Coded, cached_encode, content_hash
from lossweep.endpoints.codecs.video.rate import meet_rate
from lossweep.endpoints.packetize.source_block import Arrival
from lossweep.sim.delivery import Delivery
from lossweep.sim.stream import Stream

GREY = 128


class VideoParams(BaseModel):
    """Options of a conventional video endpoint.

    Attributes:
        bpp: target rate, bits a pixel of the clip, of the access units alone; or
        quantizer: the encoder's constant rate factor. Give one of the two.
        gop: frames from one IDR to the next.
        packetization: "object" (a GOP cut into 32 symbols) or "rtp" (the codec's RTP payload format).
        resolution: coded height; None is the clip's. What is shown is scaled back up.
        max_payload_size: bytes of RTP payload a packet, in packetization "rtp".
    """

    model_config = ConfigDict(extra="forbid")
    name: str
    bpp: float | None = Field(None, gt=0)
    quantizer: float | None = Field(None, ge=0, le=63)
    gop: int = Field(32, ge=1)
    packetization: Literal["object", "rtp"] = "rtp"
    resolution: int | None = Field(None, ge=64)
    max_payload_size: int = Field(1200, ge=64, le=65_000)

    @model_validator(mode="after")
    def _one_rate(self) -> VideoParams:
        if (self.bpp is None) == (self.quantizer is None):
            raise ValueError(f"endpoint {self.name} needs one of bpp and quantizer")
        return self


class VideoEndpoint:
    """A conventional video codec behind a packet code."""

    Params = VideoParams
    sends = "video"
    codec: Codec

    def __init__(self, params: VideoParams, code: Any, device: str = "cpu") -> None:
        self.params, self.code = params, code
        self.label = f"{self.codec.name}-{code.label}"

    def encode(self, clip: Clip) -> Stream:
        """RTP packets of the clip's pictures.

        Raises:
            ClipError: no pictures, or fewer than a GOP.
            EncodeError: a size that the codec does not take.
        """
        if clip.video is None:
            raise ClipError(f"clip {clip.name} has no pictures, which {self.codec.name} sends")
        if len(clip.video) < self.params.gop:
            raise ClipError(
                f"clip {clip.name} has {len(clip.video)} frames, fewer than a GOP of {self.params.gop}; "
                "choose a longer clip or a smaller gop"
            )
        coded, note = self._coded(clip)
        if self.params.packetization == "object":
            stream = object_packets.to_stream(coded, clip.fps, self.code)
        else:
            stream = rtp_packets.to_stream(coded, clip.fps, self.code, self.params.max_payload_size)
        height, width = clip.video[0].shape[:2]
        session = {
            **stream.session,
            "clip": clip.name,
            "fps": clip.fps,
            "frames": len(coded.access_units),
            "width": width,
            "height": height,
            "bpp": coded.bpp,
            "quantizer": coded.quantizer,
            "rate_note": note,
        }
        return Stream(stream.packets, stream.media_time_s, stream.available_s, stream.blocks, session)

    def decode(self, stream: Stream, delivery: Delivery) -> Playback:
        """What the screen shows, decided from the delivery and never from what a decoder happens to hold.

        A frame is shown when it and all frames before it in its GOP are whole. The first frame that is not is
        decoded with the codec's concealment if it has one that is reproducible and if anything of it
        arrived; from there to the next GOP the last picture stays ("frozen"). Before the first picture the
        screen is mid-grey.
        """
        session = stream.session
        width, height = session["width"], session["height"]
        shown, outcomes = [], []
        last: Picture = _grey(width, height)
        for block in stream.blocks:
            usable = delivery.usable[block.first : block.first + block.code.k]
            decoded = self._decode_block(self._arrivals(stream, block, usable), width, height)
            for i in range(round(block.media_duration_s * session["fps"])):
                if i < len(decoded):
                    last = decoded[i]
                    outcomes.append("concealed" if last.concealed else "whole")
                else:
                    outcomes.append("frozen" if any(o != "grey" for o in outcomes) else "grey")
                shown.append(last)
        clip = Clip(session["clip"], [p.pixels for p in shown], session["fps"])
        return Playback(clip, tuple(outcomes), tuple(p.digest for p in shown))

    def columns(self, stream: Stream) -> dict[str, Any]:
        """The codec, its settings and its achieved rate, for the table."""
        session = stream.session
        return {
            "codec": self.codec.name,
            "gop": self.params.gop,
            "packetization": self.params.packetization,
            "resolution": self.params.resolution or session["height"],
            "quantizer": session["quantizer"],
            "target_bpp": self.params.bpp,
            "bpp": session["bpp"],
            "rate_note": session["rate_note"],
        }

    def _coded(self, clip: Clip) -> tuple[Coded, str]:
        resolution = self.params.resolution or clip.video[0].shape[0]
        digest = content_hash(clip.video)

        def encode(quantizer: float) -> Coded:
            return cached_encode(
                self.codec, clip.video, digest, clip.fps, self.params.gop, quantizer, resolution
            )

        if self.params.bpp is None:
            return encode(self.params.quantizer), ""
        return meet_rate(self.codec, self.params.bpp, encode)

    def _arrivals(self, stream: Stream, block: Any, usable: np.ndarray) -> list[Arrival]:
        packets = object_packets if self.params.packetization == "object" else rtp_packets
        return packets.arrivals(stream, block, usable)

    def _decode_block(self, arrivals: list[Arrival], width: int, height: int) -> tuple[Picture, ...]:
        broken = next((i for i, unit in enumerate(arrivals) if unit.status != "whole"), len(arrivals))
        whole = tuple(unit.leading for unit in arrivals[:broken])
        damaged = arrivals[broken].leading if broken < len(arrivals) and self.codec.conceals else b""
        return decode_block(self.codec, whole, damaged, width, height)


@lru_cache(maxsize=4)
def _grey(width: int, height: int) -> Picture:
    return picture(np.full((height, width, 3), GREY, np.uint8))


class H264Endpoint(VideoEndpoint):
    """H.264 (x264), low delay, IPPP; a damaged P frame is concealed by the decoder."""

    codec = H264


class H265Endpoint(VideoEndpoint):
    """H.265 (x265), low delay, IPPP; a damaged frame counts as missing."""

    codec = H265


class AV1Endpoint(VideoEndpoint):
    """AV1 (SVT-AV1), low delay; a damaged frame counts as missing."""

    codec = AV1
