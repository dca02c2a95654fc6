"""A talking face as 16 numbers per frame, a packet code for them, and pictures rendered from them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from lossweep.channels.errors import OptionError
from lossweep.endpoints.clip import Clip, ClipError, Playback
from lossweep.endpoints.codecs.video.encode import content_hash
from lossweep.endpoints.endpoint import Encoded, Scalar, Truth
from lossweep.endpoints.fec.code import CodeFamily
from lossweep.endpoints.receiver import ReceivedPacket
from lossweep.endpoints.syncsc import MODEL, packets
from lossweep.endpoints.syncsc.codes.code import FaceCode
from lossweep.endpoints.syncsc.codes.family import face_code
from lossweep.endpoints.syncsc.codes.packet_coded import Coding
from lossweep.endpoints.syncsc.face_model import COEFFICIENTS
from lossweep.endpoints.syncsc.generator.renderer import Renderer
from lossweep.endpoints.syncsc.lazy_frames import Reference, RenderedFrames
from lossweep.endpoints.syncsc.references import shares
from lossweep.endpoints.syncsc.semantics import Scaling
from lossweep.endpoints.syncsc.session import FaceReference, FaceSession
from lossweep.endpoints.syncsc.tracker import Tracked
from lossweep.endpoints.weights import sha256
from lossweep.sim.rtp import RTP_HEADER_BYTES
from lossweep.sim.stream import Stream

SIDE = 256
BITS_PER_NUMBER = 16


class FaceParams(BaseModel):
    """Options of every endpoint that sends a face as 16 numbers per frame.

    Attributes:
        drawing: the receiver's renderer.
        group: blocks of the code whose rows share packets; fewer headers and a longer wait.
        look_ahead: frames that the receiver waits beyond the block, to see what comes after a loss.
        interpolation: of lost numbers with codes that protect packets: "linear" or "hold" (the last known stay).
    """

    model_config = ConfigDict(extra="forbid")
    name: str
    drawing: str
    group: int = Field(4, ge=1, le=64)
    look_ahead: int = Field(8, ge=0, le=64)
    interpolation: Literal["linear", "hold"] = "linear"


class FaceEndpoint(ABC):
    """A talking face as 16 numbers per frame; both ends share the first frame, later frames are rendered.

    A packet carries a row of the face code after the RTP header; see `packets`. The reference picture is sent
    before the session starts, as in the paper; its size (PNG) is a column of the table and part of no rate. So are
    further pictures, where an endpoint shares some; the size is that of all.

    Source: the SyncSC paper, Sections II-B1, II-C and II-D.
    """

    Params: type[FaceParams]
    title: ClassVar[str]
    sends = "video"
    protected_by: ClassVar[tuple[str, ...]] = ("packets", "face")
    """What codes that it takes may protect; see `CodeFamily.protects`."""
    needs_side: ClassVar[int] = SIDE
    """Pictures are taken as squares of this side; a sweep crops others to the face and scales them."""
    shows_lips: ClassVar[bool]
    """Whether its numbers are coefficients of the face model, lips among them."""
    marks: ClassVar[dict[str, str]] = {"interpolation": "{}", "group": "g{}", "look_ahead": "a{}"}
    """How an option that is not the default stands in the label."""

    def __init__(self, params: FaceParams, code: CodeFamily, device: str = "cpu") -> None:
        if code.protects not in self.protected_by:
            raise OptionError(
                f"endpoint {params.name} takes codes that protect {' or '.join(self.protected_by)}; "
                f"{code.name} protects the coefficients of a {code.protects}"
            )
        self.params, self.code, self.device = params, code, device
        self.face_code = face_code(
            code.parameters(), params.group, params.look_ahead, params.interpolation, self.coding, device
        )
        self.name = self._name()
        self.label = f"{self.name}-{code.label}"

    @property
    def coding(self) -> Coding:
        """Of the rows, with codes that protect packets."""
        return "float16"

    def _name(self) -> str:
        """The endpoint's name, and the options that are not the defaults."""
        given = self.params.model_dump(exclude_defaults=True)
        return "-".join(
            [self.params.name, *(m.format(given[key]) for key, m in self.marks.items() if key in given)]
        )

    @classmethod
    def weights(cls) -> dict[str, str]:
        """All weights that ship for trackers, codes and renderers."""
        return sha256(*sorted(MODEL.glob("*.safetensors")))

    def encode(self, clip: Clip) -> Encoded[FaceSession]:
        """The packets of the clip's coefficients; see `Endpoint.encode`."""
        tracked = self._tracked(clip)
        sent = tracked.coefficients
        stream = packets.to_stream(self.face_code, sent, clip.fps)
        session = FaceSession(
            streams=(packets.line(),),
            fec=self.code.parameters(),
            group=self.params.group,
            look_ahead=self.params.look_ahead,
            coding=self.coding,
            fps=clip.fps,
            references=tuple(
                FaceReference.of(clip.video[i], tracked.identity, sent[i]) for i in self._shared(tracked)
            ),
            interpolation=self.params.interpolation,
            drawing=self.params.drawing,
        )
        columns: dict[str, Scalar] = {
            "codec": self.name,
            "bpp": self._bits_per_frame(stream, len(sent)) / SIDE**2,
            "reference_bytes": sum(len(one.png) for one in session.references),
            **self.params.model_dump(exclude={"name", "tracker_folder"}),
        }
        return Encoded(stream, session, Truth(sent if self.shows_lips else None), columns)

    @classmethod
    def decode(
        cls, received: Sequence[ReceivedPacket], session: FaceSession, device: str = "cpu"
    ) -> Playback:
        """Pictures of what arrived or was recovered in time; they are rendered when they are read.

        Whole blocks are shown, up to the last one of which something arrived. The receiver does not know that
        anything was sent until a packet arrives: the screen is grey until the first frame that looks ahead to a
        block of which something did, and it is grey where nothing arrives at all. A frame is "whole" where all
        of it arrived or was recovered exactly, as far as the code tells, and "concealed" otherwise.

        `semantics` is the receiver's estimate of every frame; where the screen is grey that is the first reference's.
        A picture is rendered from the references that are nearest to its own coefficients; see `shares`.
        """
        code = _face_code(session, device)
        reference = np.asarray(session.references[0].coefficients, np.float32)
        rows = packets.rows(received, code, session.fps)
        if rows:
            shown, whole = code.decode(rows, reference)
            first = next(b for b, block in enumerate(rows) if any(row is not None for row in block))
            grey = int(np.count_nonzero(code.layout.horizon(len(shown)) < first * code.layout.frames))
        else:
            shown, whole, grey = reference[None], np.zeros(1, bool), 1
        scaling = cls.scaling()
        identity = np.asarray(session.references[0].identity, np.float32)
        there = scaling.coefficients(np.array([one.coefficients for one in session.references]))
        known = [
            Reference(one.picture(), identity, row)
            for one, row in zip(session.references, there, strict=True)
        ]
        wanted = scaling.coefficients(shown)
        frames = RenderedFrames(
            cls.renderer(session.drawing, device),
            session.drawing,
            known,
            wanted,
            shares(identity, there, wanted),
            grey,
        )
        outcome = tuple(
            "grey" if i < grey else "whole" if exact else "concealed"
            for i, exact in enumerate(whole.tolist())
        )
        clip = Clip("received", video=frames, fps=session.fps)
        return Playback(clip, outcome, frames.digests, shown if cls.shows_lips else None)

    @classmethod
    @abstractmethod
    def scaling(cls) -> Scaling:
        """From what the tracker finds to the numbers that are sent, and back."""

    @classmethod
    @abstractmethod
    def renderer(cls, name: str, device: str) -> Renderer:
        """The renderer of that name, with the weights that ship."""

    @abstractmethod
    def _track(self, pictures: Sequence[NDArray[np.uint8]]) -> Tracked:
        """The face in the pictures.

        Raises:
            ClipError: there is none, or there are several; without the clip's name.
        """

    def _bits_per_frame(self, stream: Stream, frames: int) -> float:
        """Of the coefficients, without repair packets; those of an entropy code are counted."""
        if self.coding == "float16":
            return COEFFICIENTS * BITS_PER_NUMBER
        source = (
            packet
            for block in stream.blocks
            for packet in stream.packets[block.first : block.first + block.code.k]
        )
        return 8 * sum(len(packet) - RTP_HEADER_BYTES for packet in source) / frames

    def _shared(self, tracked: Tracked) -> list[int]:
        """Numbers of the frames that both ends share beforehand; the first frame comes first.

        Args:
            tracked: coefficients in standard deviations.
        """
        return [0]

    def _tracked(self, clip: Clip) -> Tracked:
        """The face, and what is sent of all frames, [frames, 16]; once per clip for all codes and renderers."""
        if clip.video is None:
            raise ClipError(f"clip {clip.name} has no pictures, which {self.params.name} sends")
        height, width = clip.video[0].shape[:2]
        if (height, width) != (SIDE, SIDE):
            raise ClipError(
                f"clip {clip.name} is {width}x{height}; {self.params.name} takes {SIDE}x{SIDE}, set clip.size to {SIDE}"
            )
        how = self.params.model_dump_json(include={"name", "tracker", "tracker_folder", "faces"})
        key = content_hash(clip.video), how
        if key not in _found:
            try:
                identity, coefficients = self._track(clip.video)
            except ClipError as error:
                raise ClipError(f"clip {clip.name}: {error}") from None
            _found[key] = Tracked(identity, self.scaling().standardize(coefficients))
        return _found[key]


_found: LRUCache[tuple[str, str], Tracked] = LRUCache(maxsize=8)


def _face_code(session: FaceSession, device: str) -> FaceCode:
    return face_code(
        session.fec, session.group, session.look_ahead, session.interpolation, session.coding, device
    )
