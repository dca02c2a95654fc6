"""The interface of endpoints: encode a clip to packets, decode received packets to a playback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from lossweep.channels.registry import Registry
from lossweep.endpoints.clip import Clip, Playback
from lossweep.endpoints.fec.code import CodeFamily
from lossweep.endpoints.receiver import ReceivedPacket
from lossweep.endpoints.session import Session
from lossweep.sim.stream import Stream

ENDPOINTS = Registry(
    "endpoint",
    "lossweep.endpoints",
    {
        "h264": "lossweep.endpoints.codecs.video.endpoint:H264Endpoint",
        "h265": "lossweep.endpoints.codecs.video.endpoint:H265Endpoint",
        "av1": "lossweep.endpoints.codecs.video.endpoint:AV1Endpoint",
        "syncsc": "lossweep.endpoints.syncsc.endpoint:SyncSCEndpoint",
        "fom": "lossweep.endpoints.syncsc.fom.endpoint:FomEndpoint",
        "text": "lossweep.endpoints.text.endpoint:TextEndpoint",
        "opus": "lossweep.endpoints.codecs.audio.opus:OpusEndpoint",
        "aac": "lossweep.endpoints.codecs.audio.aac:AacEndpoint",
        "softcast": "lossweep.endpoints.jscc.softcast:SoftcastEndpoint",
        "flow-jscc": "lossweep.endpoints.jscc.flow_jscc:FlowJsccEndpoint",
        "hybrid-jscc": "lossweep.endpoints.jscc.hybrid_jscc:HybridJsccEndpoint",
        "deepwive": "lossweep.endpoints.jscc.deepwive:DeepWiveEndpoint",
        "h264-ldpc": "lossweep.endpoints.jscc.digital:H264LdpcEndpoint",
        "h265-ldpc": "lossweep.endpoints.jscc.digital:H265LdpcEndpoint",
        "h266-ldpc": "lossweep.endpoints.jscc.digital:H266LdpcEndpoint",
        "system": "lossweep.endpoints.system:SystemEndpoint",
    },
)


S = TypeVar("S", bound=Session)
Scalar = str | int | float | None


@dataclass(frozen=True)
class Truth:
    """What metrics need from the sender. It travels beside the network; no receiver sees it.

    Attributes:
        semantics: float32 [frames, 16], the coefficients that were sent, in standard deviations; None where
            none were.
    """

    semantics: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Encoded(Generic[S]):
    """A clip as a sender encodes it.

    Attributes:
        stream: what is put on the wire.
        session: all that the receiver knows beforehand.
        truth: for metrics.
        columns: for the table: `codec`, `bpp`, `gop`, ...
    """

    stream: Stream
    session: S
    truth: Truth = Truth()
    columns: Mapping[str, Scalar] = field(default_factory=dict)


class Endpoint(Protocol):
    """A sender and its receiver, which share nothing but the session.

    The class attribute `Params` is a pydantic model (extra="forbid") of the endpoint's options; a scenario's
    `endpoint:` mapping is checked against it. The sender is made as `cls(params, code, device)` with
    `code` the scenario's packet code (a `CodeFamily`) and `device` "cpu" or "cuda" for networks.

    An endpoint that reads weights has a class method `weights() -> dict[str, str]`, file name to
    SHA-256. A sweep records them in its manifest and is not resumed with other weights.

    An endpoint that takes square pictures of one size only has a class attribute `needs_side`, in pixels. A sweep gives
    it the square around the face, and measures its pictures against that.

    Attributes:
        sends: "video", "words", "speech" or, as a system, "several".
        name: identifier without the packet code ("opus-24000-fec").
        label: identifier with it, in tables.
        code: of its packets.
    """

    Params: type[BaseModel]
    sends: str
    name: str
    label: str
    title: str  # for reports and plots: "H.264"; a system's is made of its parts'
    code: CodeFamily

    def encode(self, clip: Clip) -> Encoded[Session]:
        """The packets for `clip`, and what the receiver knows beforehand.

        Raises:
            ClipError: the clip lacks what this endpoint sends, naming it.
        """
        ...

    @classmethod
    def decode(cls, received: Sequence[ReceivedPacket], session: Session, device: str = "cpu") -> Playback:
        """The playback of the packets that arrived in time, with the session.

        A pure function of its arguments. Any packets give a playback; no packets give a grey screen, silence and no
        words.

        Args:
            received: see `lossweep.endpoints.receiver.receive`; ordered by stream and number.
            session: of the type that `encode` returns.
            device: for receivers that run a network.
        """
        ...
