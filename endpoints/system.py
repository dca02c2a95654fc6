"""A system: pictures, speech and words sent side by side through one network, and played together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator, model_validator

from lossweep.channels.errors import OptionError
from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.endpoint import ENDPOINTS, Encoded, Endpoint, Scalar, Truth
from lossweep.endpoints.fec.code import CodeFamily
from lossweep.endpoints.receiver import ReceivedPacket
from lossweep.endpoints.session import RtpStream, Session
from lossweep.endpoints.system_part import Part, PartParams, PartSession, part_of
from lossweep.endpoints.tts.voice import VoiceParams, VoiceSession, speak, voice_session
from lossweep.sim.rtp import IP_UDP_HEADER_BYTES
from lossweep.sim.stream import Stream


class SystemParams(BaseModel):
    """The endpoints of a system, each as a scenario would name it alone; two or three of them.

    A part's own `code` overrides the scenario's. A `voice` speaks the received words at the receiver, in place of
    `speech` on the wire.
    """

    model_config = ConfigDict(extra="forbid")
    name: Literal["system"] = "system"
    video: PartParams | None = None
    speech: PartParams | None = None
    words: PartParams | None = None
    voice: VoiceParams | None = None

    @field_validator("video", "speech", "words", mode="before")
    @classmethod
    def _part(cls, value: object, info: ValidationInfo) -> Part | None:
        return part_of(value, info.field_name or "")

    @field_validator("voice", mode="before")
    @classmethod
    def _voice(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _spoken(self) -> SystemParams:
        if self.voice is not None and (self.words is None or self.speech is not None):
            raise ValueError("a voice speaks words at the receiver: name words, and no speech beside it")
        return self

    @model_validator(mode="after")
    def _several(self) -> SystemParams:
        if len(self.parts) < 2:
            raise ValueError(
                "a system has two or three of video, speech and words; for one use its endpoint alone"
            )
        return self

    @property
    def parts(self) -> dict[str, Part]:
        """Those that there are: "video", "speech", "words"."""
        parts = {"video": self.video, "speech": self.speech, "words": self.words}
        return {name: part for name, part in parts.items() if part is not None}


@dataclass(frozen=True)
class SystemSession:
    """What the receiver of a system knows beforehand.

    Attributes:
        parts: sessions of the endpoints.
        voice: session of the voice for the received words; None without a voice.
    """

    parts: tuple[PartSession, ...]
    voice: VoiceSession | None = None

    @property
    def streams(self) -> tuple[RtpStream, ...]:
        """The RTP streams of all parts."""
        return tuple(stream for part in self.parts for stream in part.session.streams)


class SystemEndpoint:
    """Several endpoints on one path and one clock, played with one delay.

    Their packets keep SSRC, sequence numbers and bytes, and leave when they are there, paced together; a
    burst hits what is on its way, whichever it belongs to. The playout delay "auto" is thus that of the slower
    part: the other one waits for it. The receiver joins the parts by media time: each RTP stream's session says which
    timestamp is the clip's start.
    """

    Params = SystemParams
    sends = "several"

    def __init__(self, params: SystemParams, code: CodeFamily, device: str = "cpu") -> None:
        self.params, self.code = params, code
        self.parts = {name: part.endpoint(code, device) for name, part in params.parts.items()}
        own = {name: part.code is not None for name, part in params.parts.items()}
        labels = [one.label if own[name] else one.name for name, one in self.parts.items()]
        if params.voice is not None:
            shows_lips = getattr(self.parts.get("video"), "shows_lips", False)
            if not shows_lips and params.voice.follows_lips:  # loads torch
                raise OptionError(
                    f"voice {params.voice.label} follows the lips that syncsc sends: set video to syncsc, or "
                    "voice to fastspeech2"
                )
            labels.append(params.voice.label)
        self.name = "+".join(labels)
        self.label = self.name if all(own.values()) else f"{self.name}-{code.label}"

    def encode(self, clip: Clip) -> Encoded[SystemSession]:
        """The packets of all parts; blocks in order of their media time. See `Endpoint.encode`."""
        voice = None if self.params.voice is None else voice_session(self.params.voice, clip)
        encoded = {name: endpoint.encode(clip) for name, endpoint in self.parts.items()}
        sessions = tuple(
            PartSession(name, part.options.name, encoded[name].session)  # type: ignore[attr-defined]
            for name, part in self.params.parts.items()
        )
        truth = encoded["video"].truth if "video" in encoded else Truth()
        stream = together([one.stream for one in encoded.values()])
        return Encoded(stream, SystemSession(sessions, voice), truth, self._columns(encoded))

    @classmethod
    def decode(
        cls, received: Sequence[ReceivedPacket], session: SystemSession, device: str = "cpu"
    ) -> Playback:
        """The playbacks of all parts, combined."""
        shown: dict[str, Playback] = {}
        for part in session.parts:
            names = {stream.name for stream in part.session.streams}
            packets = [packet for packet in received if packet.stream in names]
            endpoint: type[Endpoint] = ENDPOINTS.get(part.endpoint)
            shown[part.part] = endpoint.decode(packets, part.session, device)
        playback = shown.get("video", Playback(Clip("received")))
        speech = shown["speech"].clip.speech if "speech" in shown else None
        words = shown["words"].clip.words if "words" in shown else None
        playback = replace(playback, clip=replace(playback.clip, speech=speech, words=words))
        if session.voice is None:
            return playback
        speech = speak(playback, session.voice, device)
        return replace(playback, clip=replace(playback.clip, speech=speech))

    def _columns(self, encoded: Mapping[str, Encoded[Session]]) -> dict[str, Scalar]:
        """The columns of all parts and the wire rate of each; of equal names, the first keeps its own."""
        row: dict[str, Scalar] = {"codec": self.name}
        for name, one in encoded.items():
            for key, value in one.columns.items():
                row[f"{name}_{key}" if key in row else key] = value
            size = sum(len(packet) + IP_UDP_HEADER_BYTES for packet in one.stream.packets)
            row[f"{name}_wire_bps"] = 8 * size / one.stream.duration_s
        if self.params.voice is not None:
            row["voice"] = self.params.voice.label
            words_s = encoded["words"].columns.get("look_ahead_delay_s", 0.0)
            row["look_ahead_delay_s"] = float(words_s or 0.0) + self.params.voice.look_ahead_s
        return row


def together(streams: Sequence[Stream]) -> Stream:
    """One stream of the blocks of several, in order of their media time."""
    blocks = [(stream, block) for stream in streams for block in stream.blocks]
    blocks.sort(key=lambda pair: pair[1].media_start_s)
    packets: list[bytes] = []
    media, available, common = [], [], []
    for sbn, (stream, block) in enumerate(blocks):
        common.append(replace(block, sbn=sbn, first=len(packets)))
        packets += stream.packets[block.packets]
        media.append(stream.media_time_s[block.packets])
        available.append(stream.available_s[block.packets])
    return Stream(tuple(packets), np.concatenate(media), np.concatenate(available), tuple(common))
