"""A system: pictures, speech and words sent side by side through one network, and played together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from lossweep.channels.errors import OptionError
from lossweep.endpoints.clip import SPEECH_RATE, Clip, Playback
from lossweep.endpoints.endpoint import ENDPOINTS, Endpoint
from lossweep.endpoints.fec.code import CODES
from lossweep.endpoints.tts.voice import Voice, VoiceParams
from lossweep.sim.delivery import Delivery
from lossweep.sim.rtp import IP_UDP_HEADER_BYTES, parse
from lossweep.sim.sender_report import SenderReport
from lossweep.sim.stream import Stream

PARTS = ("video", "speech", "words")
CLOCK_RATES = {"video": 90_000, "words": 16_000}
"""Of the RTP timestamps; speech says its own."""
WALL_CLOCK_S = 3_940_000_000
"""When the clip starts, in seconds since 1900; any moment would do."""


class SystemParams(BaseModel):
    """The endpoints of a system, each as a scenario would name it alone; two or three of them.

    A part may hold a `code` of its own, which takes the place of the scenario's. A `voice` speaks the received words
    at the receiver, in place of `speech` on the wire; see `Voice`.
    """

    model_config = ConfigDict(extra="forbid")
    name: Literal["system"] = "system"
    video: dict[str, Any] | None = None
    speech: dict[str, Any] | None = None
    words: dict[str, Any] | None = None
    voice: VoiceParams | None = None

    @field_validator(*PARTS, mode="before")
    @classmethod
    def _part(cls, value: Any, info: Any) -> dict[str, Any] | None:
        if value is None:
            return None
        options = {"name": value} if isinstance(value, str) else dict(value)
        own = {"code": _code_mapping(options.pop("code"))} if "code" in options else {}
        found = ENDPOINTS.get(options.get("name", ""))
        if found.sends != info.field_name:
            raise ValueError(f"endpoint {options['name']} sends {found.sends}, not {info.field_name}")
        try:
            return found.Params.model_validate(options).model_dump() | own
        except ValidationError as error:
            problems = (".".join([*map(str, e["loc"]), ""]) + " " + e["msg"] for e in error.errors())
            raise ValueError("; ".join(problems)) from None

    @field_validator("voice", mode="before")
    @classmethod
    def _voice(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _spoken(self) -> SystemParams:
        if self.voice is not None and (self.words is None or self.speech is not None):
            raise ValueError("a voice speaks words at the receiver: name words, and no speech beside it")
        return self

    @model_validator(mode="after")
    def _several(self) -> SystemParams:
        if sum(getattr(self, part) is not None for part in PARTS) < 2:
            raise ValueError("a system has two or three of video, speech and words; name one alone by itself")
        return self


@dataclass(frozen=True)
class Part:
    """What one endpoint put into the common stream.

    Attributes:
        stream: its own.
        members: int64 [packets]; where each packet of it stands in the common stream.
        report: the RTCP sender report of its source packets, 28 bytes.
    """

    stream: Stream
    members: NDArray[np.int64]
    report: bytes


class SystemEndpoint:
    """Several endpoints on one path and one clock, played with one delay.

    Their packets keep SSRC, sequence numbers and bytes, and leave when they are there, paced together; a
    burst hits what is on its way, whichever it belongs to. The playout delay "auto" is thus that of the slower
    part: the other one waits for it, as a receiver that plays by sender reports has it.
    """

    Params = SystemParams
    sends = "several"
    title = ""

    def __init__(self, params: SystemParams, code: Any, device: str = "cpu") -> None:
        self.params, self.code = params, code
        self.parts: dict[str, Endpoint] = {}
        labels = []
        for part in PARTS:
            options = getattr(params, part)
            if options is None:
                continue
            own = _family(options["code"]) if "code" in options else None
            found = ENDPOINTS.get(options["name"])
            alone = {key: value for key, value in options.items() if key != "code"}
            endpoint = found(found.Params.model_validate(alone), own or code, device)
            self.parts[part] = endpoint
            labels.append(endpoint.label if own else endpoint.label.replace(f"-{code.label}", "", 1))
        self.voice = Voice(params.voice, device) if params.voice is not None else None
        if self.voice is not None:
            if self.voice.follows_lips and not getattr(self.parts.get("video"), "shows_lips", False):
                raise OptionError(
                    f"voice {self.voice.label} follows the lips that syncsc sends: set video to syncsc, or "
                    "voice to fastspeech2"
                )
            labels.append(self.voice.label)
        self.name = "+".join(labels)
        all_own = all("code" in getattr(params, part) for part in self.parts)
        self.label = self.name if all_own else f"{self.name}-{code.label}"

    def encode(self, clip: Clip) -> Stream:
        """The packets of all parts; blocks in order of their media time. See `Endpoint.encode`."""
        streams = {part: endpoint.encode(clip) for part, endpoint in self.parts.items()}
        blocks = [(part, block) for part, stream in streams.items() for block in stream.blocks]
        blocks.sort(key=lambda pair: pair[1].media_start_s)
        packets: list[bytes] = []
        media, available, common = [], [], []
        members: dict[str, dict[int, int]] = {part: {} for part in streams}
        for sbn, (part, block) in enumerate(blocks):
            stream = streams[part]
            common.append(replace(block, sbn=sbn, first=len(packets)))
            for index in range(block.first, block.first + block.code.n):
                members[part][index] = len(packets)
                packets.append(stream.packets[index])
                media.append(stream.media_time_s[index])
                available.append(stream.available_s[index])
        parts = {
            part: Part(
                stream,
                np.array([members[part][i] for i in range(len(stream.packets))]),
                _report(part, stream),
            )
            for part, stream in streams.items()
        }
        session: dict[str, Any] = {"clip": clip.name, "parts": parts}
        if self.voice is not None:
            session["voice"] = self.voice.reference(clip)
        return Stream(tuple(packets), np.array(media), np.array(available), tuple(common), session)

    def decode(self, stream: Stream, delivery: Delivery) -> Playback:
        """What each part's receiver shows, put together by the sender reports."""
        parts: Mapping[str, Part] = stream.session["parts"]
        received = {
            name: self.parts[name].decode(part.stream, delivery_of(part, delivery))
            for name, part in parts.items()
        }
        clip = Clip(stream.session["clip"])
        for name, one in received.items():
            clip = replace(clip, **{name: getattr(one.clip, name)})
        if "video" in received:
            clip = replace(clip, fps=received["video"].clip.fps)
        if "words" in received:
            clip = replace(clip, source=received["words"].clip.source)
        if self.voice is not None:
            semantics = received["video"].semantics if "video" in received else None
            clip = replace(clip, speech=self.voice.speak(clip, semantics, stream.session["voice"]))
        late = 0.0
        if "video" in received and "speech" in received:
            late = start_s("speech", parts) - start_s("video", parts)
        elif "video" in received and self.voice is not None:
            first_s = parts["words"].stream.media_time_s[0]
            late = start_s("words", parts) - first_s - start_s("video", parts)
        return replace(received.get("video", Playback(clip)), clip=clip, sound_late_s=late)

    def columns(self, stream: Stream) -> dict[str, Any]:
        """The columns of all parts and the wire rate of each; of equal names, the first keeps its own."""
        row: dict[str, Any] = {"codec": self.name}
        for name, endpoint in self.parts.items():
            part = stream.session["parts"][name].stream
            for key, value in endpoint.columns(part).items():
                row[f"{name}_{key}" if key in row else key] = value
            size = sum(len(packet) + IP_UDP_HEADER_BYTES for packet in part.packets)
            row[f"{name}_wire_bps"] = 8 * size / part.duration_s
        if self.voice is not None:
            row["voice"] = self.voice.label
        return row


def delivery_of(part: Part, delivery: Delivery) -> Delivery:
    """What of the common delivery is about one part, as if it had been alone."""
    sbn = np.repeat(
        np.array([block.sbn for block in part.stream.blocks]), [b.code.n for b in part.stream.blocks]
    )
    arrays = [field.name for field in fields(delivery) if field.name not in ("sbn", "playout_delay_s")]
    rows = {name: getattr(delivery, name)[part.members] for name in arrays}
    return Delivery(sbn=sbn, **rows, playout_delay_s=delivery.playout_delay_s)


def start_s(name: str, parts: Mapping[str, Part]) -> float:
    """When the receiver has a part's first picture or sample captured, seconds after the clip's start.

    It follows from the sender report and the timestamp of the first packet; of speech, the decoder's delay
    comes before the first sample.
    """
    part = parts[name]
    report = SenderReport.parse(part.report)
    first, _ = parse(part.stream.packets[0])
    moment_s = (
        report.wall_clock_s - WALL_CLOCK_S + report.moment_s(first.timestamp, _clock_rate(name, part.stream))
    )
    return moment_s + part.stream.session.get("delay", 0) / SPEECH_RATE


def _report(name: str, stream: Stream) -> bytes:
    """The sender's report when the clip starts."""
    header, _ = parse(stream.packets[0])
    tick = -stream.session.get("clock_offset_s", 0.0) * _clock_rate(name, stream)
    return SenderReport(header.ssrc, WALL_CLOCK_S << 32, round(tick) % 2**32, 0, 0).serialize()


def _clock_rate(name: str, stream: Stream) -> int:
    return stream.session["clock_rate"] if name == "speech" else CLOCK_RATES[name]


def _code_mapping(value: Any) -> dict[str, Any]:
    mapping = {"name": value} if isinstance(value, str) else dict(value)
    _family(mapping)
    return mapping


def _family(mapping: Mapping[str, Any]) -> Any:
    options = {key: value for key, value in mapping.items() if key != "name"}
    return CODES.get(mapping["name"]).from_params(**options)
