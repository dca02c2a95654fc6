"""Opus as an endpoint: 20 ms frames, in-band FEC, redundancy, libopus's concealment."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from lossweep.endpoints.clip import SPEECH_RATE, Clip, Playback
from lossweep.endpoints.codecs.audio.encode import encode, speech_of
from lossweep.endpoints.codecs.audio.libopus import OpusDecoder, has_redundancy
from lossweep.endpoints.codecs.audio.packets import in_time, source_packets, to_stream
from lossweep.endpoints.packetize import opus as payload_format
from lossweep.endpoints.packetize import red
from lossweep.sim.delivery import Delivery
from lossweep.sim.rtp import RTP_HEADER_BYTES
from lossweep.sim.stream import Stream

FRAME_SAMPLES = 320
PAYLOAD_TYPE, RED_PAYLOAD_TYPE = 104, 105


class OpusParams(BaseModel):
    """Options of Opus.

    Attributes:
        bitrate: of the encoder, bits a second; repair and redundancy come on top.
        fec: in-band FEC. libopus spends bits on it only where the bitrate leaves room: with the loss expected
            here never at 8 kbit/s, hardly at 16, mostly at 24. The table's column `lbrr` says how often.
        expected_loss: what the encoder is told to expect, a fraction; it matters with `fec` only.
        redundancy: how many earlier frames each packet carries again (RFC 2198).
        block_frames: frames (20 ms) that a packet code protects together.
    """

    model_config = ConfigDict(extra="forbid")
    name: Literal["opus"] = "opus"
    bitrate: int = Field(16_000, ge=6_000, le=128_000)
    fec: bool = False
    expected_loss: float = Field(0.2, gt=0, le=1)
    redundancy: int = Field(0, ge=0, le=8)
    block_frames: int = Field(16, ge=1, le=255)


class OpusEndpoint:
    """Opus (libopus, VoIP, constrained VBR, 20 ms); lost frames from redundancy, in-band FEC, concealment."""

    Params = OpusParams
    sends = "speech"
    title = "Opus"

    def __init__(self, params: OpusParams, code: Any, device: str = "cpu") -> None:
        self.params, self.code = params, code
        fec = "-fec" if params.fec else ""
        redundancy = f"-red{params.redundancy}" if params.redundancy else ""
        self.label = f"opus-{params.bitrate}{fec}{redundancy}-{code.label}"

    def encode(self, clip: Clip) -> Stream:
        """RTP packets of the clip's speech, one a frame; see `Endpoint.encode`."""
        params = self.params
        options = {"application": "voip", "vbr": "constrained", "frame_duration": "20"}
        if params.fec:
            options |= {"fec": "1", "packet_loss": str(round(100 * params.expected_loss))}
        coded = encode(speech_of(clip, "opus"), "libopus", "flt", FRAME_SAMPLES, params.bitrate, options)
        payloads = [self._payload(coded.frames, i) for i in range(len(coded.frames))]
        payload_type = RED_PAYLOAD_TYPE if params.redundancy else PAYLOAD_TYPE
        clock, looks_back = payload_format.CLOCK_RATE, max(params.redundancy, int(params.fec))
        stream = to_stream(coded, payloads, payload_type, clock, params.block_frames, looks_back, self.code)
        session = {
            **stream.session,
            "clip": clip.name,
            "samples": coded.samples,
            "delay": coded.delay,
            "speech_bps": coded.bps,
            "lbrr": sum(map(has_redundancy, coded.frames)) / len(coded.frames),
        }
        return Stream(stream.packets, stream.media_time_s, stream.available_s, stream.blocks, session)

    def decode(self, stream: Stream, delivery: Delivery) -> Playback:
        """The speech that is heard.

        A frame is taken from its own packet, else from the redundancy of a later one, else from the in-band
        FEC of the next frame; else libopus conceals it. What came too late for the frame does not count.
        """
        frames = self._frames(stream, delivery)
        decoder, pieces = OpusDecoder(SPEECH_RATE), []
        next_in_time = in_time(stream, delivery, 1)
        for i, frame in enumerate(frames):
            successor = i + 1 < len(frames) and next_in_time[i + 1] and frames[i + 1]
            if frame is not None:
                pieces.append(decoder.decode(frame, FRAME_SAMPLES))
            elif self.params.fec and successor and has_redundancy(successor):
                pieces.append(decoder.recover(successor, FRAME_SAMPLES))
            else:
                pieces.append(decoder.conceal(FRAME_SAMPLES))
        return Playback(Clip(stream.session["clip"], speech=_cut(pieces, stream)))

    def columns(self, stream: Stream) -> dict[str, Any]:
        """Codec, bitrate asked for and achieved by the frames alone, payload format, share with LBRR."""
        return {
            "codec": self.label.removesuffix(f"-{self.code.label}"),
            "bitrate": self.params.bitrate,
            "speech_bps": stream.session["speech_bps"],
            "payload": "red" if self.params.redundancy else "opus",
            "lbrr": stream.session["lbrr"],
        }

    def _payload(self, frames: tuple[bytes, ...], i: int) -> bytes:
        if not self.params.redundancy:
            return payload_format.packetize(frames[i])
        ticks = FRAME_SAMPLES * payload_format.CLOCK_RATE // SPEECH_RATE
        oldest = max(i - self.params.redundancy, 0)
        blocks = [red.Redundant(PAYLOAD_TYPE, (i - j) * ticks, frames[j]) for j in range(oldest, i + 1)]
        return red.packetize(blocks)

    def _frames(self, stream: Stream, delivery: Delivery) -> list[bytes | None]:
        packets = source_packets(stream)
        frames: list[bytes | None] = [None] * len(packets)
        for age in range(self.params.redundancy + 1):
            for i in np.flatnonzero(in_time(stream, delivery, age)):
                if i >= age and frames[i - age] is None:
                    frames[i - age] = self._frame(stream.packets[packets[i]][RTP_HEADER_BYTES:], age)
        return frames

    def _frame(self, payload: bytes, age: int) -> bytes:
        if not self.params.redundancy:
            return payload_format.depacketize(payload)
        return payload_format.depacketize(red.depacketize(payload)[-1 - age].data)


def _cut(pieces: list[NDArray[np.float32]], stream: Stream) -> NDArray[np.float32]:
    start = stream.session["delay"]
    return np.clip(np.concatenate(pieces)[start : start + stream.session["samples"]], -1.0, 1.0)
