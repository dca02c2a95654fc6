"""Opus as an endpoint: 20 ms frames, in-band FEC, redundancy, libopus's concealment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from lossweep.endpoints.clip import SPEECH_RATE, Clip, Playback
from lossweep.endpoints.codecs.audio.encode import encode, speech_of
from lossweep.endpoints.codecs.audio.libopus import OpusDecoder, OpusError, has_redundancy
from lossweep.endpoints.codecs.audio.packets import by_frame, in_time, to_stream
from lossweep.endpoints.codecs.bitrate import Bitrate
from lossweep.endpoints.endpoint import Encoded, Scalar
from lossweep.endpoints.fec.code import CodeFamily
from lossweep.endpoints.packetize import opus as payload_format
from lossweep.endpoints.packetize import red
from lossweep.endpoints.packetize.access_unit import PayloadError
from lossweep.endpoints.receiver import ReceivedPacket
from lossweep.endpoints.session import RtpStream

FRAME_SAMPLES = 320
FRAME_TICKS = FRAME_SAMPLES * payload_format.CLOCK_RATE // SPEECH_RATE
PAYLOAD_TYPE, RED_PAYLOAD_TYPE = 104, 105


class OpusParams(BaseModel):
    """Options of Opus.

    Attributes:
        bitrate: of the encoder, bits per second; repair and redundancy come on top.
        fec: in-band FEC. libopus spends bits on it only where the bitrate leaves room: with the loss expected
            here never at 8 kbit/s, hardly at 16, mostly at 24. The table's column `lbrr` gives the share of frames.
        expected_loss: the loss that the encoder expects, a fraction; it matters with `fec` only.
        redundancy: how many earlier frames each packet carries again (RFC 2198).
        block_frames: frames (20 ms) that a packet code protects together.
    """

    model_config = ConfigDict(extra="forbid")
    name: Literal["opus"] = "opus"
    bitrate: Bitrate = Field(16_000, ge=6_000, le=128_000)
    fec: bool = False
    expected_loss: float = Field(0.2, gt=0, le=1)
    redundancy: int = Field(0, ge=0, le=8)
    block_frames: int = Field(16, ge=1, le=255)


@dataclass(frozen=True)
class OpusSession:
    """What a receiver of Opus knows beforehand, as from SDP.

    Attributes:
        streams: the speech stream with its repair stream.
        redundant: payload type of the Opus frames in RED packets (`a=fmtp:105 104/104`); None without RED.
    Source: RFC 7587, Section 7; RFC 2198, Section 5.
    """

    streams: tuple[RtpStream, ...]
    redundant: int | None = None


class OpusEndpoint:
    """Opus (libopus, VoIP, constrained VBR, 20 ms); lost frames from redundancy, in-band FEC, concealment."""

    Params = OpusParams
    sends = "speech"
    title = "Opus"

    def __init__(self, params: OpusParams, code: CodeFamily, device: str = "cpu") -> None:
        self.params, self.code = params, code
        fec = "-fec" if params.fec else ""
        redundancy = f"-red{params.redundancy}" if params.redundancy else ""
        self.name = f"opus-{params.bitrate}{fec}{redundancy}"
        self.label = f"{self.name}-{code.label}"

    def encode(self, clip: Clip) -> Encoded[OpusSession]:
        """RTP packets of the clip's speech, one per frame; see `Endpoint.encode`."""
        params = self.params
        options = {"application": "voip", "vbr": "constrained", "frame_duration": "20"}
        if params.fec:
            options |= {"fec": "1", "packet_loss": str(round(100 * params.expected_loss))}
        coded = encode(speech_of(clip, "opus"), "libopus", "flt", FRAME_SAMPLES, params.bitrate, options)
        payloads = [self._payload(coded.frames, i) for i in range(len(coded.frames))]
        payload_type = RED_PAYLOAD_TYPE if params.redundancy else PAYLOAD_TYPE
        clock, looks_back = payload_format.CLOCK_RATE, max(params.redundancy, int(params.fec))
        stream, line = to_stream(
            coded, payloads, payload_type, clock, params.block_frames, looks_back, self.code
        )
        columns: dict[str, Scalar] = {
            "codec": self.name,
            "bitrate": params.bitrate,
            "speech_bps": coded.bps,
            "payload": "red" if params.redundancy else "opus",
            "lbrr": sum(map(has_redundancy, coded.frames)) / len(coded.frames),
        }
        session = OpusSession((line,), PAYLOAD_TYPE if params.redundancy else None)
        return Encoded(stream, session, columns=columns)

    @classmethod
    def decode(
        cls, received: Sequence[ReceivedPacket], session: OpusSession, device: str = "cpu"
    ) -> Playback:
        """The decoded speech, up to the last frame received.

        A frame is taken from its own packet, else from the redundancy of a later one, else from the in-band
        FEC of the next frame; else libopus conceals it. What came too late for the frame does not count, and a
        frame that is malformed counts as lost.
        """
        packets, begin = by_frame(received, FRAME_SAMPLES)
        frames = _frames(packets, session.redundant)
        decoder, pieces = OpusDecoder(SPEECH_RATE), []
        for i in range(max(frames, default=-1) + 1):
            successor = packets.get(i + 1)
            early = successor is not None and in_time(successor, 1, FRAME_SAMPLES)
            pieces.append(_decode(decoder, frames.get(i), frames.get(i + 1) if early else None))
        speech = np.concatenate([np.zeros(0, np.float32), *pieces])[max(-begin, 0) :]
        return Playback(Clip("received", speech=np.clip(speech, -1.0, 1.0)))

    def carried(self, payload: bytes) -> list[int]:
        """The frames in an RTP payload: 0 is its own, 1 the one before it, from redundancy or in-band FEC."""
        found = _ages(payload, PAYLOAD_TYPE if self.params.redundancy else None)
        in_band = any(age == 0 and has_redundancy(frame) for age, frame in found)
        return [age for age, _ in found] + ([1] if in_band else [])

    def _payload(self, frames: tuple[bytes, ...], i: int) -> bytes:
        if not self.params.redundancy:
            return payload_format.packetize(frames[i])
        oldest = max(i - self.params.redundancy, 0)
        blocks = [red.Redundant(PAYLOAD_TYPE, (i - j) * FRAME_TICKS, frames[j]) for j in range(oldest, i + 1)]
        return red.packetize(blocks)


def _decode(decoder: OpusDecoder, frame: bytes | None, successor: bytes | None) -> NDArray[np.float32]:
    """A frame's samples: decoded, else from the in-band FEC of its successor, else concealed."""
    try:
        if frame is not None:
            return decoder.decode(frame, FRAME_SAMPLES)
        if successor is not None and has_redundancy(successor):
            return decoder.recover(successor, FRAME_SAMPLES)
    except OpusError:
        pass
    return decoder.conceal(FRAME_SAMPLES)


def _frames(packets: Mapping[int, ReceivedPacket], redundant: int | None) -> dict[int, bytes]:
    """Frames that are there when they are played; of copies, that of the earliest packet."""
    frames: dict[int, bytes] = {}
    for number, packet in sorted(packets.items()):
        for age, frame in _ages(packet.payload, redundant):
            if number >= age and in_time(packet, age, FRAME_SAMPLES):
                frames.setdefault(number - age, frame)
    return frames


def _ages(payload: bytes, redundant: int | None) -> list[tuple[int, bytes]]:
    """The Opus frames in a payload, and how many frames before the packet's own each of them is."""
    try:
        blocks = red.depacketize(payload) if redundant is not None else [red.Redundant(0, 0, payload)]
    except PayloadError:
        return []
    out = []
    for block in blocks:
        age, rest = divmod(block.offset, FRAME_TICKS)
        if rest or redundant not in (None, block.payload_type):
            continue
        try:
            out.append((age, payload_format.depacketize(block.data)))
        except PayloadError:
            continue
    return out
