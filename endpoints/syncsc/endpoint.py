"""SyncSC's video: a talking face as 16 numbers a frame, a packet code for them, and a picture drawn of them."""

from __future__ import annotations

import hashlib
import io
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from lossweep.channels.errors import OptionError
from lossweep.endpoints.clip import Clip, ClipError, Playback
from lossweep.endpoints.codecs.video.encode import content_hash
from lossweep.endpoints.syncsc.codes.code import SEMANTIC_CODES, Inexact, code_of
from lossweep.endpoints.syncsc.face_model import COEFFICIENTS, FaceModel
from lossweep.endpoints.syncsc.generator.renderer import DRAWINGS
from lossweep.endpoints.syncsc.lazy_frames import DrawnPictures, Known
from lossweep.endpoints.syncsc.semantics import Scaling, smoothed
from lossweep.endpoints.syncsc.tracker import TRACKERS, Tracked
from lossweep.sim.delivery import Delivery
from lossweep.sim.rtp import RTP_HEADER_BYTES, RtpHeader
from lossweep.sim.stream import Block, Stream

CLOCK_RATE = 90_000
MEDIA = {"payload_type": 100, "ssrc": 0x10557E8A}
MODEL = Path(__file__).parent / "model"
SIDE = 256
BITS_A_NUMBER = 16
SESSIONS_HELD = 8


class SyncSCParams(BaseModel):
    """Options of the semantic video endpoint.

    Attributes:
        tracker: who reads the numbers from the pictures: "extractor" (ships), "mediapipe", or "deep3d".
        tracker_folder: Deep3DFaceRecon's checkpoint and BFM files, for "deep3d".
        faces: "one" refuses a clip that shows several, "largest" takes the largest.
        drawing: "generator", "warp" (the bare warp, nothing learned) or "frozen" (the reference picture).
        group: blocks of the code whose rows share packets; fewer headers and a longer wait.
        look_ahead: frames that the receiver waits beyond the block, to see what comes after a loss.
        interpolation: of lost numbers with code none and rs: "linear" or "hold" (the last known ones stay).
        coding: of numbers with code none and rs: "float16", or "integers" with an entropy code (finer, fewer bits).
    """

    model_config = ConfigDict(extra="forbid")
    name: Literal["syncsc"] = "syncsc"
    tracker: str = "extractor"
    tracker_folder: str = ""
    faces: Literal["one", "largest"] = "one"
    drawing: str = "generator"
    group: int = Field(4, ge=1, le=64)
    look_ahead: int = Field(8, ge=0, le=64)
    interpolation: Literal["linear", "hold"] = "linear"
    coding: Literal["float16", "integers"] = "float16"

    @field_validator("tracker")
    @classmethod
    def _tracker(cls, value: str) -> str:
        TRACKERS.get(value)
        return value

    @field_validator("drawing")
    @classmethod
    def _drawing(cls, value: str) -> str:
        DRAWINGS.get(value)
        return value


@dataclass(frozen=True)
class Session:
    """What both ends know beforehand: the clip's name and size, and the reference picture with its numbers."""

    name: str
    frames: int
    fps: float
    known: Known
    numbers: NDArray[np.float32]
    """The reference's, [16]."""
    sent: NDArray[np.float32]
    """All frames', [frames, 16]; for measuring, the receiver does not read them."""
    reference_bytes: int


class SyncSCEndpoint:
    """A talking face as 16 numbers a frame; the first frame is known at both ends, and the rest is drawn.

    Numbers stand on the wire as float16, in standard deviations of the training people. A packet carries what the
    code says, after the RTP header and no other: block and place in it follow from the sequence number. The
    reference picture goes over before the session starts, as in the paper; its size (PNG) is a column of the
    table and not part of any rate.

    Source: the SyncSC paper, Sections II-B1, II-C and II-D.
    """

    Params = SyncSCParams
    sends = "video"
    title = "SyncSC"
    shows_lips = True
    codes: tuple[str, ...] = tuple(SEMANTIC_CODES.names())

    def __init__(self, params: SyncSCParams, code: Any, device: str = "cpu") -> None:
        if code.name not in self.codes:
            raise OptionError(
                f"endpoint {params.name} takes the codes {', '.join(self.codes)}, not {code.name}"
            )
        self.params, self.code, self.device = params, code, device
        options = {key: getattr(params, key, "") for key in ("interpolation", "coding")}
        plain = {k: v for k, v in options.items() if v} if code.name in ("none", "rs") else {}
        if options["coding"] == "integers" and not plain:
            raise OptionError(f"coding integers is for the codes none and rs; {code.name} has float16 rows")
        rate = code.code_rate if code.name != "none" else 0.5
        self.rows = code_of(code.name, rate, params.group, params.look_ahead, device, **plain)
        self.name = self._name()
        self.label = f"{self.name}-{code.label}"

    def _name(self) -> str:
        """syncsc, and what is not as usual."""
        marks = {
            "drawing": "{}",
            "tracker": "{}",
            "interpolation": "{}",
            "coding": "{}",
            "group": "g{}",
            "look_ahead": "a{}",
        }
        fields, given = type(self.params).model_fields, self.params.model_dump(exclude_defaults=True)
        unusual = [mark.format(given[key]) for key, mark in marks.items() if key in fields and key in given]
        return "-".join([self.params.name, *unusual])

    @classmethod
    def weights(cls) -> dict[str, str]:
        """All weights that ship for trackers, codes and drawings."""
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(MODEL.glob("*.safetensors"))
        }

    def encode(self, clip: Clip) -> Stream:
        """The packets of the clip's semantics; see `Endpoint.encode`."""
        session = self._session(clip)
        rows, size, n = self.rows.packets(session.sent), self.rows.block_frames, self.rows.block_packets
        exact = getattr(self.rows, "code", None) or Inexact(n)
        packets, media, available, blocks = [], [], [], []
        for sbn, first in enumerate(range(0, len(rows), n)):
            start = sbn * size / clip.fps
            length = min(size, len(clip.video) - sbn * size) / clip.fps
            blocks.append(Block(sbn, first, exact, start, length))
            for row in rows[first : first + n]:
                timestamp = round(start * CLOCK_RATE) % 2**32
                header = RtpHeader(**MEDIA, sequence_number=len(packets) % 2**16, timestamp=timestamp)
                packets.append(header.serialize() + row.payload)
                # A block is wanted as early as the frame that looks ahead to it.
                media.append(start - self.params.look_ahead / clip.fps)
                available.append((row.frame + 1) / clip.fps)
        session = {"session": session}
        return Stream(tuple(packets), np.array(media), np.array(available), tuple(blocks), session)

    def decode(self, stream: Stream, delivery: Delivery) -> Playback:
        """Pictures drawn of what arrived or was recovered in time; they are drawn when they are looked at."""
        session: Session = stream.session["session"]
        payloads = [
            packet[RTP_HEADER_BYTES:] if there else None
            for packet, there in zip(stream.packets, delivery.usable, strict=True)
        ]
        shown = self.rows.decode(payloads, session.frames, session.numbers)
        drawing = _drawing(self.params.drawing, self.device)
        pictures = DrawnPictures(
            drawing, self.params.drawing, session.known, self._scaling().coefficients(shown)
        )
        whole = (shown == session.sent).all(1)
        outcome = tuple("whole" if same else "concealed" for same in whole)
        clip = Clip(session.name, video=pictures, fps=session.fps)
        return Playback(clip, outcome, pictures.digests, (session.sent, shown))

    def columns(self, stream: Stream) -> dict[str, Any]:
        """What the table says of this endpoint."""
        return {
            "codec": self._name(),
            "bpp": self._bits_a_frame(stream) / SIDE**2,
            "reference_bytes": stream.session["session"].reference_bytes,
            **self.params.model_dump(exclude={"name", "tracker_folder"}),
        }

    def _bits_a_frame(self, stream: Stream) -> float:
        """Of semantics; an entropy code's are counted, without the parity."""
        if getattr(self.params, "coding", "float16") == "float16":
            return COEFFICIENTS * BITS_A_NUMBER
        source = (
            p for block in stream.blocks for p in stream.packets[block.first : block.first + block.code.k]
        )
        return 8 * sum(len(p) - RTP_HEADER_BYTES for p in source) / stream.session["session"].frames

    def _scaling(self) -> Scaling:
        return Scaling.of(FaceModel.load())

    def _track(self, pictures: Sequence[NDArray[np.uint8]]) -> Tracked:
        options = self.params
        tracker = _tracker(options.tracker, self.device, options.faces == "largest", options.tracker_folder)
        identity, found = tracker.track(pictures)
        return Tracked(identity, np.float32(smoothed(found, FaceModel.load().scale)))

    def _session(self, clip: Clip) -> Session:
        """Tracks a clip once for all codes and drawings."""
        if clip.video is None:
            raise ClipError(f"clip {clip.name} has no pictures, which {self.params.name} sends")
        height, width = clip.video[0].shape[:2]
        if (height, width) != (SIDE, SIDE):
            raise ClipError(
                f"clip {clip.name} is {width}x{height}; {self.params.name} takes {SIDE}x{SIDE}, set clip.size to {SIDE}"
            )
        how = self.params.model_dump_json(include={"name", "tracker", "tracker_folder", "faces"})
        key = (content_hash(clip.video), clip.name, clip.fps, how)
        if key not in _sessions:
            try:
                identity, found = self._track(clip.video)
            except ClipError as error:
                raise ClipError(f"clip {clip.name}: {error}") from None
            scaling = self._scaling()
            sent = scaling.numbers(found)
            known = Known(clip.video[0], identity, scaling.coefficients(sent[0]))
            size = _png_bytes(clip.video[0])
            _sessions[key] = Session(clip.name, len(sent), clip.fps, known, sent[0], sent, size)
        _sessions.move_to_end(key)
        while len(_sessions) > SESSIONS_HELD:
            _sessions.popitem(last=False)
        return _sessions[key]


_sessions: OrderedDict[tuple, Session] = OrderedDict()


@lru_cache(maxsize=4)
def _tracker(name: str, device: str, largest: bool, folder: str) -> Any:
    return TRACKERS.get(name).load(device, largest, folder)


@lru_cache(maxsize=4)
def _drawing(name: str, device: str) -> Any:
    return DRAWINGS.get(name).load(device)


def _png_bytes(picture: NDArray[np.uint8]) -> int:
    from PIL import Image

    with io.BytesIO() as file:
        Image.fromarray(picture).save(file, "png", optimize=True)
        return len(file.getvalue())
