"""The text stream of SyncSC: windows of words, interleaved, Huffman coded, a word a packet; concealment."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from lossweep.channels.errors import WeightsError
from lossweep.endpoints.clip import Clip, ClipError, Playback, Word
from lossweep.endpoints.fec.adu import RepairHeader, protect
from lossweep.endpoints.text.concealment import CONCEALMENTS, concealment
from lossweep.endpoints.text.huffman import load as load_code
from lossweep.endpoints.text.interleaving import WINDOW, order
from lossweep.endpoints.text.weights import FILES, SHIPPED
from lossweep.sim.delivery import Delivery
from lossweep.sim.rtp import RTP_HEADER_BYTES, RtpHeader
from lossweep.sim.stream import Block, Stream

CLOCK_RATE = 16_000
MEDIA = {"payload_type": 98, "ssrc": 0x10557E87}
REPAIR = {"payload_type": 99, "ssrc": 0x10557E88}


PACING = 2.5
"""As `lossweep.sim.sender` paces, but by the block's duration: a pause after a block does not slow its packets."""
PAUSE_S = 1.5
"""A window closes where the next word begins so much later."""


class TextParams(BaseModel):
    """Concealment of lost words, windows interleaved together, and windows that concealment waits for."""

    model_config = ConfigDict(extra="forbid")
    name: Literal["text"] = "text"
    concealment: str = "none"
    windows_interleaved: int = Field(1, ge=1, le=10)
    look_ahead_windows: int = Field(0, ge=0, le=10)

    @field_validator("concealment")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in CONCEALMENTS.names():
            CONCEALMENTS.get(value)
        return value


class TextEndpoint:
    """Words as Huffman-coded RTP packets, with lost ones put back by a language model.

    Each word is a packet of its own. So adjacent words never share a packet, one lost packet is one lost
    word, and a window of 6 words gives Reed-Solomon k = 6 source packets (n = 12, 24 at code rates
    1/2, 1/4). The price is a header a word, about 0.8 kbit/s of wire rate at 2.5 words a second. Packets
    leave in random order when the block's last word is said, so a burst is spread over the window; more
    windows interleaved spread it further and wait longer.

    Deviation from the paper's fixed windows: one closes early, and then has k < 6 words, where the speaker
    pauses (the next word begins more than PAUSE_S later), so that the end of a sentence does not wait for the
    next one. A window is filled when its last word is due.

    With `look_ahead_windows` the filler may see that many blocks after the one it fills. Words are then shown
    later by the longest time from a block's first word to that of the last block waited for: the column
    `look_ahead_delay_s`, to be added to the playout delay. The packets' deadlines stay as they are.

    Source: the SyncSC paper, Sections II-B2 and III-C (N_pl = 6).
    """

    Params = TextParams
    sends = "words"
    title = "text"

    def __init__(self, params: TextParams, code: Any, device: str = "cpu") -> None:
        self.params = params
        self.code = code
        self.device = device
        hidden = "" if params.concealment == "none" else f"-{params.concealment}"
        spread = "" if params.windows_interleaved == 1 else f"-x{params.windows_interleaved}"
        waits = f"-ahead{params.look_ahead_windows}" if params.look_ahead_windows else ""
        self.label = f"text-{code.label}{hidden}{spread}{waits}"

    @classmethod
    def weights(cls) -> dict[str, str]:
        """SHA-256 of the files that both ends read; see `Endpoint`."""
        return {name: _sha256(SHIPPED / name) for name in FILES}

    def encode(self, clip: Clip) -> Stream:
        """The packets for the clip's words; see `Endpoint.encode`."""
        if not clip.words:
            raise ClipError(f"clip {clip.name} has no words; give a transcript, or captions beside the video")
        if self.params.concealment != "none":
            clip.in_english(f"concealment {self.params.concealment}")
        huffman = load_code()
        ends = window_ends([w.start_s for w in clip.words], [w.end_s for w in clip.words])
        ends = [*ends[self.params.windows_interleaved - 1 : -1 : self.params.windows_interleaved], ends[-1]]
        ends_s = [max(clip.words[i - 1].start_s, clip.words[i - 1].end_s) for i in ends] + [float("inf")]
        packets: list[bytes] = []
        media, available, blocks = [], [], []
        sent = repairs = 0
        for sbn, (first, last) in enumerate(pairwise([0, *ends])):
            words = clip.words[first:last]
            end = ends_s[sbn]
            code = self.code.make(len(words))
            blocks.append(Block(sbn, len(packets), code, words[0].start_s, end - words[0].start_s))
            source = []
            for place in order(sbn, len(words)):
                timestamp = round(words[place].start_s * CLOCK_RATE) % 2**32
                header = RtpHeader(**MEDIA, sequence_number=sent % 2**16, timestamp=timestamp)
                source.append(header.serialize() + huffman.encode(words[place].text))
                media.append(words[place].start_s)
                sent += 1
            packets += source
            for esi, symbol in enumerate(protect(source, code), code.k):
                header = RtpHeader(
                    **REPAIR,
                    sequence_number=repairs % 2**16,
                    timestamp=round(words[0].start_s * CLOCK_RATE) % 2**32,
                )
                fec = RepairHeader(sbn % 2**24, esi, code.k, (sent - code.k) % 2**16)
                packets.append(header.serialize() + fec.serialize() + symbol)
                media.append(words[0].start_s)
                repairs += 1
            available += _paced(words[0].start_s, end, ends_s[sbn + 1], code.n)
        times = tuple((word.start_s, word.end_s) for word in clip.words)
        session = {"times": times, "name": clip.name, "source": clip.source}
        return Stream(tuple(packets), np.array(media), np.array(available), tuple(blocks), session)

    def decode(self, stream: Stream, delivery: Delivery) -> Playback:
        """The words that arrived or were recovered in time, the others filled in or None.

        A recovered packet equals what was sent (the code is exact), so its bytes are taken from there.
        """
        huffman, texts = load_code(), []
        for block in stream.blocks:
            there = delivery.usable[block.first : block.first + block.code.k]
            window: list[str | None] = [None] * block.code.k
            for esi, place in enumerate(order(block.sbn, block.code.k)):
                if there[esi]:
                    window[place] = huffman.decode(stream.packets[block.first + esi][RTP_HEADER_BYTES:])
            texts += window
        windows = np.repeat(np.arange(len(stream.blocks)), [block.code.k for block in stream.blocks])
        filler = concealment(self.params.concealment, self.device)
        filled = filler.fill(texts, windows, self.params.look_ahead_windows)
        times = stream.session["times"]
        words = tuple(Word(text, *time) for text, time in zip(filled, times, strict=True))
        clip = Clip(stream.session["name"], words=words, source=stream.session["source"])
        return Playback(clip)

    def columns(self, stream: Stream) -> dict[str, Any]:
        """What the table says of this endpoint."""
        starts = np.array([block.media_start_s for block in stream.blocks])
        ahead = min(self.params.look_ahead_windows, len(starts) - 1)
        return {
            "codec": "huffman",
            "words": len(stream.session["times"]),
            "windows": len(starts),
            **self.params.model_dump(exclude={"name"}),
            "look_ahead_delay_s": float(np.max(starts[ahead:] - starts[: len(starts) - ahead])),
        }


def window_ends(starts_s: Sequence[float], ends_s: Sequence[float]) -> list[int]:
    """Where windows of up to WINDOW words end, the index after each one's last word; none spans a pause.

    Args:
        starts_s, ends_s: of each word, in order.
    """
    ends, first = [], 0
    for i in range(1, len(starts_s) + 1):
        if i == len(starts_s) or i - first == WINDOW or starts_s[i] - ends_s[i - 1] > PAUSE_S:
            ends.append(i)
            first = i
    return ends


def _paced(start_s: float, end_s: float, next_s: float, packets: int) -> list[float]:
    """When each packet of a block goes: from its end on, in 1 / PACING of its duration, before the next ends."""
    step = max(min(end_s - start_s, next_s - end_s), 0.0) / packets / PACING
    return [end_s + i * step for i in range(packets)]


@lru_cache(maxsize=8)
def _sha256(path: Path) -> str:
    if not path.exists():
        raise WeightsError(f"text model: {path} is missing; it ships with lossweep, reinstall or train again")
    return hashlib.sha256(path.read_bytes()).hexdigest()
