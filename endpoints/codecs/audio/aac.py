"""AAC-LC as an endpoint: one access unit of 64 ms a packet, and a concealment of this project's own."""

from __future__ import annotations

from typing import Any, Literal

import av
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from lossweep.endpoints.clip import SPEECH_RATE, Clip, Playback
from lossweep.endpoints.codecs.audio.encode import encode, speech_of
from lossweep.endpoints.codecs.audio.packets import in_time, source_packets, to_stream
from lossweep.endpoints.packetize import aac as payload_format
from lossweep.sim.delivery import Delivery
from lossweep.sim.rtp import RTP_HEADER_BYTES
from lossweep.sim.stream import Stream

FRAME_SAMPLES = 1024
PAYLOAD_TYPE = 106
FADE = 0.5
"""Gain of each further repetition; -6 dB."""
_RECOVERY_SAMPLES = 256


class AacParams(BaseModel):
    """Bitrate in bits a second, and access units (64 ms) that a packet code protects together."""

    model_config = ConfigDict(extra="forbid")
    name: Literal["aac"] = "aac"
    bitrate: int = Field(18_000, ge=8_000, le=96_000)
    block_frames: int = Field(5, ge=1, le=255)


class AacEndpoint:
    """AAC-LC (FFmpeg's encoder), 16 kHz mono; where an access unit is lost the last one repeats, faded."""

    Params = AacParams
    sends = "speech"
    title = "AAC"

    def __init__(self, params: AacParams, code: Any, device: str = "cpu") -> None:
        self.params, self.code = params, code
        self.label = f"aac-{params.bitrate}-{code.label}"

    def encode(self, clip: Clip) -> Stream:
        """RTP packets of the clip's speech, one an access unit; see `Endpoint.encode`."""
        coded = encode(speech_of(clip, "aac"), "aac", "fltp", FRAME_SAMPLES, self.params.bitrate, {})
        payloads = [payload_format.packetize([frame]) for frame in coded.frames]
        stream = to_stream(coded, payloads, PAYLOAD_TYPE, SPEECH_RATE, self.params.block_frames, 0, self.code)
        session = {
            **stream.session,
            "clip": clip.name,
            "samples": coded.samples,
            "delay": coded.delay,
            "speech_bps": coded.bps,
            "config": coded.extradata,
        }
        return Stream(stream.packets, stream.media_time_s, stream.available_s, stream.blocks, session)

    def decode(self, stream: Stream, delivery: Delivery) -> Playback:
        """The speech that is heard; see `conceal` for what stands where an access unit is missing."""
        session, packets = stream.session, source_packets(stream)
        there = in_time(stream, delivery, 0)
        units = [
            payload_format.depacketize(stream.packets[index][RTP_HEADER_BYTES:])[0] if here else None
            for index, here in zip(packets, there, strict=True)
        ]
        pcm = conceal(units, session["config"])
        start = session["delay"]
        speech = np.clip(pcm[start : start + session["samples"]], -1.0, 1.0)
        return Playback(Clip(session["clip"], speech=speech))

    def columns(self, stream: Stream) -> dict[str, Any]:
        """Codec, bitrate asked for and achieved by the access units alone, payload format."""
        return {
            "codec": self.label.removesuffix(f"-{self.code.label}"),
            "bitrate": self.params.bitrate,
            "speech_bps": stream.session["speech_bps"],
            "payload": "aac-hbr",
        }


def conceal(units: list[bytes | None], config: bytes) -> NDArray[np.float32]:
    """Decodes access units, and repeats the last one where one is missing.

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
        gain = 1.0 if unit is not None else gain * FADE
        last = unit if unit is not None else last
        if last is None:
            continue
        (frame,) = decoder.decode(av.Packet(last))
        ramp = np.full(FRAME_SAMPLES, gain, np.float32)
        way = FRAME_SAMPLES if unit is None else _RECOVERY_SAMPLES
        ramp[:way] = np.linspace(before, gain, way, endpoint=False)
        pcm[i] = frame.to_ndarray()[0] * ramp
    return pcm.ravel()
