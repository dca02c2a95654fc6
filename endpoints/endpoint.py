"""The one thing all ways of sending a clip have in common."""

from __future__ import annotations

from typing import Any, Protocol

from lossweep.channels.registry import Registry
from lossweep.endpoints.clip import Clip, Playback
from lossweep.sim.delivery import Delivery
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
        "system": "lossweep.endpoints.system:SystemEndpoint",
    },
)


class Endpoint(Protocol):
    """A sender and its receiver. It never sees the network, only what was delivered in time.

    The class attribute `Params` is a pydantic model (extra="forbid") of the endpoint's options; a scenario's
    `endpoint:` mapping is checked against it. The instance is made as `cls(params, code, device)` with
    `code` the scenario's packet code, a member of `lossweep.endpoints.fec`, and `device` "cpu" or "cuda", for those
    that run a network.

    An endpoint that reads weights has a class method `weights() -> dict[str, str]`, name of the file to its
    SHA-256: a sweep says them in its manifest and is not resumed with others.
    """

    Params: type
    sends: str  # "video", "words", "speech" or, as a system, "several"
    label: str

    def encode(self, clip: Clip) -> Stream:
        """The packets for `clip`.

        Raises:
            ClipError: the clip lacks what this endpoint sends, naming it.
        """
        ...

    def decode(self, stream: Stream, delivery: Delivery) -> Playback:
        """What the other end sees and hears. A pure function of its arguments."""
        ...

    def columns(self, stream: Stream) -> dict[str, Any]:
        """What the table says of this endpoint: `codec`, `bpp`, `gop`, ..., scalars only."""
        ...
