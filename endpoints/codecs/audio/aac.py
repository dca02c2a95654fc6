"""AAC-LC as an endpoint: one access unit of 64 ms per packet, and a concealment of this project's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import av
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from lossweep.endpoints.clip import SPEECH_RATE, Clip, Playback
from lossweep.endpoints.codecs.audio.encode import encode, speech_of
from lossweep.endpoints.codecs.audio.packets import by_frame, to_stream
from lossweep.endpoints.codecs.bitrate import Bitrate
from lossweep.endpoints.endpoint import Encoded, Scalar
from lossweep.endpoints.fec.code import CodeFamily
from lossweep.endpoints.packetize import aac as payload_format
from lossweep.endpoints.packetize.access_unit import PayloadError
from lossweep.endpoints.receiver import ReceivedPacket
from lossweep.endpoints.session import SESSION_CONFIG, RtpStream

FRAME_SAMPLES = 1024
PAYLOAD_TYPE = 106
FADE = 0.5
"""Gain of each further repetition; -6 dB."""
_RECOVERY_SAMPLES = 256


class AacParams(BaseModel):
    """Bitrate in bits per second, and access units (64 ms) that a packet code protects together."""

    model_config = ConfigDict(extra="forbid")
    name: Literal["aac"] = "aac"
    bitrate: Bitrate = Field(18_000, ge=8_000, le=96_000)
    block_frames: int = Field(5, ge=1, le=255)


@dataclass(frozen=True)
class AacSession:
    """What a receiver of AAC knows beforehand, as from SDP.

    Attributes:
        streams: the speech stream with its repair stream.
        config: AudioSpecificConfig (ISO/IEC 14496-3), `config` in `a=fmtp`.
    Source: RFC 3640, Section 4.1.
    """

    __pydantic_config__ = SESSION_CONFIG
    streams: tuple[RtpStream, ...]
    config: bytes


class AacEndpoint:
    """AAC-LC (FFmpeg's encoder), 16 kHz mono; where an access unit is lost the last one repeats, faded."""

    Params = AacParams
    sends = "speech"
    title = "AAC"

    def __init__(self, params: AacParams, code: CodeFamily, device: str = "cpu") -> None:
        self.params, self.code = params, code
        self.name = f"aac-{params.bitrate}"
        self.label = f"{self.name}-{code.label}"

    def encode(self, clip: Clip) -> Encoded[AacSession]:
        """RTP packets of the clip's speech, one per access unit; see `Endpoint.encode`."""
        coded = encode(speech_of(clip, "aac"), "aac", "fltp", FRAME_SAMPLES, self.params.bitrate, {})
        payloads = [payload_format.packetize([frame]) for frame in coded.frames]
        stream, line = to_stream(
            coded, payloads, PAYLOAD_TYPE, SPEECH_RATE, self.params.block_frames, 0, self.code
        )
        columns: dict[str, Scalar] = {
            "codec": self.name,
            "bitrate": self.params.bitrate,
            "speech_bps": coded.bps,
            "payload": "aac-hbr",
        }
        return Encoded(stream, AacSession((line,), coded.extradata), columns=columns)

    @classmethod
    def decode(cls, received: Sequence[ReceivedPacket], session: AacSession, device: str = "cpu") -> Playback:
        """The decoded speech, up to the last frame received; see `conceal` for missing ones."""
        packets, begin = by_frame(received, FRAME_SAMPLES)
        units = [_unit(packets.get(i)) for i in range(max(packets, default=-1) + 1)]
        speech = np.clip(conceal(units, session.config)[max(-begin, 0) :], -1.0, 1.0)
        return Playback(Clip("received", speech=speech))


def _unit(packet: ReceivedPacket | None) -> bytes | None:
    """The access unit of a packet; None where it is missing, malformed, a fragment, or not alone."""
    if packet is None or not packet.marker:
        return None
    try:
        units = payload_format.depacketize(packet.payload)
    except PayloadError:
        return None
    return units[0] if len(units) == 1 else None


def conceal(units: Sequence[bytes | None], config: bytes) -> NDArray[np.float32]:
    """Decodes access units, and repeats the last one where one is missing or not decodable.

    libavcodec's decoder has no concealment of its own. The last access unit is decoded again, so that the
    transform's overlap joins it smoothly, at half the gain (-6 dB) of the frame before; behind the gap
    the gain returns within 16 ms. Before the first access unit there is silence.

    Args:
        units: raw AAC frames, None for each that is missing.
        config: AudioSpecificConfig (ISO/IEC 14496-3).
    Returns:
        float32 [1024 * len(units)].
    """
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata, decoder.sample_rate, decoder.layout = config, SPEECH_RATE, "mono"
    pcm = np.zeros((len(units), FRAME_SAMPLES), np.float32)
    last, gain = None, 1.0
    for i, unit in enumerate(units):
        before = gain
        frame = _decode(decoder, unit) if unit is not None else None
        there = frame is not None
        gain = 1.0 if there else gain * FADE
        last = unit if there else last
        if frame is None and last is not None:
            frame = _decode(decoder, last)
        if frame is None:
            continue
        ramp = np.full(FRAME_SAMPLES, gain, np.float32)
        way = _RECOVERY_SAMPLES if there else FRAME_SAMPLES
        ramp[:way] = np.linspace(before, gain, way, endpoint=False)
        pcm[i] = frame * ramp
    return pcm.ravel()


def _decode(decoder: av.AudioCodecContext, unit: bytes) -> NDArray[np.float32] | None:
    """The 1024 samples of an access unit; None where libavcodec refuses it or gives anything else."""
    try:
        frames = decoder.decode(av.Packet(unit))
    except av.FFmpegError:
        return None
    if len(frames) != 1:
        return None
    samples = np.asarray(frames[0].to_ndarray()[0], np.float32)
    return samples if len(samples) == FRAME_SAMPLES and np.isfinite(samples).all() else None
