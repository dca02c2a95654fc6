"""Conventional video as an endpoint: a real encoder, RTP packets, a packet code, what a receiver shows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from lossweep.endpoints.clip import Clip, ClipError, Playback
from lossweep.endpoints.codecs.bitrate import Bitrate
from lossweep.endpoints.codecs.video import object_packets, rtp_packets
from lossweep.endpoints.codecs.video.codec import AV1, H264, H265, INFINITE, Codec
from lossweep.endpoints.codecs.video.decode import Picture, decode_block, picture
from lossweep.endpoints.codecs.video.encode import Coded, EncodeError, content_hash
from lossweep.endpoints.codecs.video.encodings import cached_encode
from lossweep.endpoints.codecs.video.frames import ReceivedFrame
from lossweep.endpoints.codecs.video.live import LiveEncoder, LiveSettings
from lossweep.endpoints.codecs.video.rate import Target, meet_rate
from lossweep.endpoints.endpoint import Encoded, Scalar
from lossweep.endpoints.fec.code import CodeFamily, block_code
from lossweep.endpoints.receiver import ReceivedPacket
from lossweep.endpoints.session import FecParameters, RtpStream
from lossweep.sim.rtp import IP_UDP_HEADER_BYTES
from lossweep.sim.stream import Stream

GREY = 128
ROUNDING = 1e-6


@dataclass(frozen=True)
class VideoSession:
    """What a video receiver knows beforehand, as from SDP.

    Attributes:
        streams: the video stream and its repair stream.
        codec: "h264", "h265" or "av1".
        packetization: "object" or "rtp".
        fec: the packet code.
        width, height: of the pictures shown.
        fps: frames per second.
    """

    streams: tuple[RtpStream, ...]
    codec: str
    packetization: str
    fec: FecParameters
    width: int
    height: int
    fps: float


class VideoParams(BaseModel):
    """Options of a conventional video endpoint.

    Attributes:
        bpp: target rate in bits per pixel of the clip, access units only; or
        bitrate: target rate in bits per second, also as "500k"; or
        quantizer: the encoder's constant rate factor. Give one of the three.
        budget: what `bitrate` covers: "source", the access units alone, or "wire", all packets with repair packets and
            RTP, UDP and IPv4 headers.
        gop: frames from one IDR to the next, or "infinite": one IDR at the start, and more only on request.
        packetization: "object" (a GOP cut into 32 symbols) or "rtp" (the codec's RTP payload format).
        resolution: coded height; None is the clip's. What is shown is scaled back up.
        max_payload_size: largest RTP payload in bytes, in packetization "rtp".
        fec_frames: frames that a block of the packet code spans, in packetization "rtp": a number, or "gop". Repair
            packets of short blocks come sooner; those of long blocks repair more at the same rate.
    """

    model_config = ConfigDict(extra="forbid")
    name: str
    bpp: float | None = Field(None, gt=0)
    bitrate: Bitrate | None = Field(None, gt=0)
    quantizer: float | None = Field(None, ge=0, le=63)
    budget: Literal["source", "wire"] = "source"
    gop: Annotated[int, Field(ge=1)] | Literal["infinite"] = 32
    packetization: Literal["object", "rtp"] = "rtp"
    resolution: int | None = Field(None, ge=64)
    max_payload_size: int = Field(1200, ge=64, le=65_000)
    fec_frames: int | Literal["gop"] = "gop"

    @model_validator(mode="after")
    def _one_rate(self) -> VideoParams:
        if sum(rate is not None for rate in (self.bpp, self.bitrate, self.quantizer)) != 1:
            raise ValueError(f"endpoint {self.name} needs one of bpp, bitrate and quantizer")
        if self.gop == "infinite" and (self.fec_frames == "gop" or self.packetization == "object"):
            raise ValueError("gop: infinite needs packetization rtp and fec_frames, such as 1")
        if self.budget == "wire" and self.bitrate is None:
            raise ValueError("budget: wire is of a bitrate; give bitrate, such as 500k")
        if self.fec_frames != "gop" and (self.fec_frames < 1 or self.packetization == "object"):
            raise ValueError('fec_frames is "gop", or 1 or more frames with packetization rtp')
        return self


class VideoEndpoint:
    """A conventional video codec behind a packet code."""

    Params = VideoParams
    sends = "video"
    codec: Codec

    def __init__(self, params: VideoParams, code: CodeFamily, device: str = "cpu") -> None:
        self.params, self.code = params, code
        if params.packetization == "object":
            block_code("packetization object", code)
        self.name = self.codec.name
        self.label = f"{self.name}-{code.label}"

    def encode(self, clip: Clip) -> Encoded[VideoSession]:
        """RTP packets of the clip's pictures.

        Raises:
            ClipError: no pictures, or fewer than a GOP.
            EncodeError: a size that the codec does not take.
        """
        if clip.video is None:
            raise ClipError(f"clip {clip.name} has no pictures, which {self.codec.name} sends")
        if self.params.gop != "infinite" and len(clip.video) < self.params.gop:
            raise ClipError(
                f"clip {clip.name} has {len(clip.video)} frames, fewer than a GOP of {self.params.gop}; "
                "choose a longer clip or a smaller gop"
            )
        coded, note = self._coded(clip)
        stream, line = self._packets(coded, clip.fps)
        height, width = clip.video[0].shape[:2]
        session = VideoSession(
            (line,),
            self.codec.name,
            self.params.packetization,
            self.code.parameters(),
            width,
            height,
            clip.fps,
        )
        columns: dict[str, Scalar] = {
            "codec": self.codec.name,
            "gop": self.params.gop,
            "packetization": self.params.packetization,
            "fec_frames": None if self.code.spans_stream else self._fec_frames(),
            "resolution": self.params.resolution or height,
            "quantizer": coded.quantizer,
            "target_bpp": self.params.bpp,
            "target_bps": self.params.bitrate,
            "bpp": coded.bpp,
            "rate_note": note,
        }
        return Encoded(stream, session, columns=columns)

    @classmethod
    def decode(
        cls, received: Sequence[ReceivedPacket], session: VideoSession, device: str = "cpu"
    ) -> Playback:
        """What the screen shows, decided from the packets and never from what a decoder happens to hold.

        A frame is shown when it and all frames before it in its GOP are whole. The first frame that is not is
        decoded with the codec's concealment if it has one that is reproducible and if anything of it
        arrived; from there to the next key frame the last picture stays ("frozen"). Before the first picture
        the screen is mid-grey.
        """
        frames = _frames(received, session)
        count = max(frames, default=0) + 1
        return show(cls.codec, frames, session.width, session.height, session.fps, count)

    def live(self, clip: Clip) -> LiveEncoder:
        """The encoder for a call, asked for one frame after another.

        Raises:
            ClipError: as `encode`.
            EncodeError: a packetization without RTP payloads of single frames.
        """
        if self.params.packetization != "rtp" or clip.video is None:
            raise EncodeError(f"{self.name} is sent live with packetization rtp only")
        coded, _ = self._coded(clip)
        settings = LiveSettings(self.params.max_payload_size, self.params.resolution or len(clip.video[0]))
        return LiveEncoder(self.codec, clip.video, clip.fps, coded, self.code, settings)

    @property
    def fec_frames(self) -> int:
        """Frames that a block spans."""
        return self._fec_frames()

    def _fec_frames(self) -> int:
        span = self.params.fec_frames
        return self._gop if span == "gop" else min(span, self._gop)

    @property
    def _gop(self) -> int:
        return INFINITE if self.params.gop == "infinite" else self.params.gop

    def _coded(self, clip: Clip) -> tuple[Coded, str]:
        resolution = self.params.resolution or clip.video[0].shape[0]
        digest = content_hash(clip.video)

        def encode(quantizer: float) -> Coded:
            return cached_encode(self.codec, clip.video, digest, clip.fps, self._gop, quantizer, resolution)

        if self.params.quantizer is not None:
            return encode(self.params.quantizer), ""
        return meet_rate(self.codec, self._target(clip), encode)

    def _target(self, clip: Clip) -> Target:
        if self.params.bitrate is None:
            assert self.params.bpp is not None
            return Target(self.params.bpp)
        height, width = clip.video[0].shape[:2]
        pixels_per_s = width * height * clip.fps

        def wire_bps(coded: Coded) -> float:
            try:
                stream, _ = self._packets(coded, clip.fps)
            except ValueError:  # more packets in a block than the code takes
                return math.inf
            size = sum(map(len, stream.packets)) + IP_UDP_HEADER_BYTES * len(stream.packets)
            return 8 * size / stream.duration_s

        of = wire_bps if self.params.budget == "wire" else lambda coded: coded.bpp * pixels_per_s
        return Target(self.params.bitrate, of, "bit/s")

    def _packets(self, coded: Coded, fps: float) -> tuple[Stream, RtpStream]:
        if self.params.packetization == "object":
            return object_packets.to_stream(coded, fps, self.code)
        return rtp_packets.to_stream(coded, fps, self.code, self.params.max_payload_size, self._fec_frames())


def show(
    codec: Codec, frames: Mapping[int, ReceivedFrame], width: int, height: int, fps: float, count: int
) -> Playback:
    """What the screen shows of frames 0 to count - 1; see `VideoEndpoint.decode`.

    A frame that is complete too late is decoded, since later ones refer to it, and is shown until the next one if it
    is the newest that is there when a picture is due.
    """
    shown: dict[int, Picture] = {}
    ready: dict[int, list[int]] = {}
    for start, whole, damaged in _chains(frames, codec.conceals):
        pictures = decode_block(codec, whole, damaged, width, height)
        late_s = 0.0
        for i, decoded in enumerate(pictures, start):
            late_s = max(frames[i].late_s, late_s - 1 / fps)
            shown[i] = decoded
            ready.setdefault(i + math.ceil(late_s * fps - ROUNDING), []).append(i)
    last, newest, outcomes, pictures_out = _grey(width, height), -1, [], []
    for slot in range(count):
        due = max(ready.get(slot, ()), default=-1)
        if due > newest:
            last, newest = shown[due], due
            outcomes.append("concealed" if last.concealed else "whole")
        else:
            outcomes.append("frozen" if newest >= 0 else "grey")
        pictures_out.append(last)
    clip = Clip("received", [p.pixels for p in pictures_out], fps)
    return Playback(clip, tuple(outcomes), tuple(p.digest for p in pictures_out))


def _frames(received: Sequence[ReceivedPacket], session: VideoSession) -> dict[int, ReceivedFrame]:
    if session.packetization == "object":
        return object_packets.frames(received, session.fec, session.fps)
    return rtp_packets.frames(received, session.codec, session.fps)


def _chains(
    frames: Mapping[int, ReceivedFrame], conceals: bool
) -> Iterator[tuple[int, tuple[bytes, ...], bytes]]:
    """Runs of whole frames from a key frame on: first frame, access units, and the damaged unit after them."""
    for start in sorted(frames):
        if not (frames[start].key and frames[start].status == "whole"):
            continue
        whole, i = [frames[start].leading], start + 1
        while i in frames and frames[i].status == "whole" and not frames[i].key:
            whole.append(frames[i].leading)
            i += 1
        after = frames.get(i)
        conceal = conceals and after is not None and not after.key and after.status == "damaged"
        yield start, tuple(whole), after.leading if conceal and after is not None else b""


@lru_cache(maxsize=4)
def _grey(width: int, height: int) -> Picture:
    return picture(np.full((height, width, 3), GREY, np.uint8))


class H264Endpoint(VideoEndpoint):
    """H.264 (x264), low delay, IPPP; a damaged P frame is concealed by the decoder."""

    title = "H.264"
    codec = H264


class H265Endpoint(VideoEndpoint):
    """H.265 (x265), low delay, IPPP; a damaged frame counts as missing."""

    title = "H.265"
    codec = H265


class AV1Endpoint(VideoEndpoint):
    """AV1 (SVT-AV1), low delay; a damaged frame counts as missing."""

    title = "AV1"
    codec = AV1
