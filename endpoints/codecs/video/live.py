"""A video encoder that is asked for one frame after another: key frames on request, a rate that changes."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.codecs.video.codec import INFINITE, Codec
from lossweep.endpoints.codecs.video.encode import Coded, EncodeError, content_hash
from lossweep.endpoints.codecs.video.encodings import cached_encode
from lossweep.endpoints.codecs.video.rtp_packets import (
    CLOCK_RATE,
    PAYLOAD_TYPE,
    REPAIR_PAYLOAD_TYPE,
    REPAIR_SSRC,
    SSRC,
    payload_format,
)
from lossweep.endpoints.fec.code import CodeFamily
from lossweep.endpoints.fec.none import Uncoded
from lossweep.endpoints.fec.packets import repair_packets
from lossweep.endpoints.packetize.access_unit import PayloadError
from lossweep.endpoints.session import RepairStream, RtpStream
from lossweep.sim import rtp
from lossweep.sim.call.flow import Flow
from lossweep.sim.call.sources import CodedFrame
from lossweep.sim.stream import PacketCode

FIRST_CHAIN = 32
"""Frames that a chain has at first; one that is needed longer is encoded again, twice as long."""
MOST_PACKETS = 255
KEY_SHARE, DEBT_S = 0.25, 0.5
"""Key frames are taken from the ladder at this share of the rate; an excess of frames is saved within this time."""
LADDER = tuple(range(36, 2, -1))
"""Quantizers for rates that follow the network, from the coarsest on; a step is about a sixth of the rate."""


@dataclass(frozen=True)
class LiveSettings:
    """Largest RTP payload in bytes, and coded height."""

    max_payload_size: int
    resolution: int


def begins_key(codec: str, payload: bytes) -> bool:
    """Whether an RTP payload of a codec is the first of a key frame."""
    try:
        return payload_format(codec).begins_sequence(payload)
    except PayloadError:
        return False


class LiveEncoder:
    """Frames of a clip on request.

    Without requests it gives the access units of the clip's own encoding. A key frame on request begins a chain: an
    encoding of the pictures from there on, up to the next regular key frame. With a rate, each frame is taken from the
    finest quantizer of a ladder whose mean rate is at most the rate asked for. Chains are kept in the cache by their
    content, so a request costs one encoding per chain. Deviation: at a change of the rate without a key frame the next
    chain goes on from its own reference, not from the picture that was sent; the decoder's picture is a little off
    until the area is coded again.

    Args:
        codec: of the clip; H.264 where a rate is asked for.
        video: uint8 [frames][height, width, 3], RGB.
        fps: frames per second.
        coded: the clip's own encoding.
        family: of the repair packets.
        settings: of the packets.
    """

    def __init__(
        self,
        codec: Codec,
        video: Sequence[NDArray[np.uint8]],
        fps: float,
        coded: Coded,
        family: CodeFamily,
        settings: LiveSettings,
    ) -> None:
        self.frames, self.fps = len(video), fps
        self._length = len(video)
        self.height, self.width = video[0].shape[:2]
        self._codec, self._video, self._coded, self._family, self._settings = (
            codec,
            video,
            coded,
            family,
            settings,
        )
        self._formats = payload_format(codec.name)
        self._begin = 0
        self._chains: dict[tuple[int, float], tuple[bytes, ...]] = {}
        self._payloads: dict[bytes, list[bytes]] = {}
        self._ladder: list[tuple[float, float]] = []
        self._first = rtp.initial_sequence_number(SSRC)
        self._first_repair = rtp.initial_sequence_number(REPAIR_SSRC)
        repair = RepairStream(REPAIR_SSRC, REPAIR_PAYLOAD_TYPE, family.parameters())
        self._stream = RtpStream("video", SSRC, PAYLOAD_TYPE, CLOCK_RATE, self._first, 0, repair)
        self._sent = self._repaired = 0
        self._debt_bits = 0.0

    def restart(self, repeat: int = 1) -> None:
        """Begins a new call; what was encoded is kept.

        Args:
            repeat: how often the clip is sent; each time begins with a key frame.
        """
        self._begin = self._sent = self._repaired = 0
        self._debt_bits = 0.0
        self.frames = repeat * self._length

    def twin(self) -> LiveEncoder:
        """An encoder of the same clip with a state of its own; both keep what either encoded."""
        return copy(self)

    def flow(self, begin_s: float = 0.0) -> Flow:
        """The stream, as both ends know it.

        Args:
            begin_s: media time of the first frame, whose RTP timestamp is 0.
        """
        begins = partial(begins_key, self._codec.name)
        first = round(-begin_s * CLOCK_RATE) % 2**32
        return Flow("video", SSRC, PAYLOAD_TYPE, CLOCK_RATE, self._first, first, REPAIR_SSRC, begins)

    def frame(self, i: int, key: bool, rate_bps: float | None) -> CodedFrame:
        """Frame i as RTP packets; see `lossweep.sim.call.sources.Encoder`."""
        if key or i % self._length % self._coded.gop == 0:
            self._begin = i
        place = i % self._length
        quantizer = self._coded.quantizer
        if rate_bps is not None:
            wanted = rate_bps * KEY_SHARE if i == self._begin else rate_bps - self._debt_bits / DEBT_S
            quantizer = self._quantizer(wanted)
        unit = self._unit(i - place, place, quantizer)
        if rate_bps is not None:
            self._debt_bits = max(0.0, self._debt_bits + 8 * len(unit) - rate_bps / self.fps)
        payloads = self._payloads.get(unit)
        if payloads is None:
            payloads = self._formats.packetize(unit, self._settings.max_payload_size)
            self._payloads[unit] = payloads
        packets = []
        for place, payload in enumerate(payloads):
            header = rtp.RtpHeader(
                PAYLOAD_TYPE,
                (self._first + self._sent) % 2**16,
                round(i / self.fps * CLOCK_RATE) % 2**32,
                SSRC,
                place == len(payloads) - 1,
            )
            packets.append(header.serialize() + payload)
            self._sent += 1
        return CodedFrame(tuple(packets), i == self._begin)

    def protect(
        self, sbn: int, source: Sequence[bytes], key: bool, repair: int | None
    ) -> tuple[PacketCode, list[bytes]]:
        """The code of a block, and its repair packets; see `lossweep.sim.call.sources.Encoder`.

        Raises:
            ValueError: the packet code has no block of so many packets.
        """
        k = len(source)
        if repair is None:
            code = self._family.make_frames(k, key)
        else:
            n = min(k + repair, max(k, MOST_PACKETS))
            code = Uncoded(k) if n == k else self._family.make(k, n)
        timestamps = [int.from_bytes(source[-1][4:8], "big")] * (code.n - k)
        first = self._first_repair + self._repaired
        self._repaired += code.n - k
        return code, repair_packets(source, code, sbn, self._stream, first, timestamps)

    def _unit(self, first: int, i: int, quantizer: float) -> bytes:
        """The access unit of frame i of the clip, which began at frame `first`, in the chain that began last."""
        gop, begin = self._coded.gop, self._begin - first
        if begin % gop == 0 and quantizer == self._coded.quantizer:
            return self._coded.access_units[i]
        chain = self._chains.get((begin, quantizer), ())
        place = i - begin
        if place >= len(chain):
            longest = min(self._length, (begin // gop + 1) * gop) - begin
            length = min(longest, max(FIRST_CHAIN, 2 * len(chain), place + 1))
            chain = self._chains[begin, quantizer] = self._encoded(begin, length, quantizer).access_units
        return chain[place]

    def _quantizer(self, rate_bps: float) -> float:
        """The finest quantizer of the ladder whose rate is at most this; the coarsest where none is."""
        if not self._ladder:
            if self._codec.name != "h264":
                raise EncodeError(f"{self._codec.name}: a rate that follows the network needs h264")
            for quantizer in LADDER:
                coded = self._encoded(0, self._length, quantizer)
                size = sum(map(len, coded.access_units))
                self._ladder.append((8 * size * self.fps / self._length, quantizer))
        return next((q for rate, q in reversed(self._ladder) if rate <= rate_bps), self._ladder[0][1])

    def _encoded(self, begin: int, length: int, quantizer: float) -> Coded:
        pictures = self._video[begin : begin + length]
        digest = content_hash(pictures)
        resolution = self._settings.resolution
        return cached_encode(self._codec, pictures, digest, self.fps, INFINITE, quantizer, resolution)
