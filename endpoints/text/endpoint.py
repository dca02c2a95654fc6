"""The text stream of SyncSC: windows of words, interleaved, Huffman coded, a word a packet; concealment."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from endpoints.clip import Clip, ClipError, Received, Word
from endpoints.fec.adu import RepairHeader, protect
from endpoints.text.concealment import CONCEALMENTS, concealment
from endpoints.text.huffman import load as load_code
from endpoints.text.interleave import order
from endpoints.text.masking import WINDOW
from sim.delivery import Delivery
from sim.rtp import RTP_HEADER_BYTES, RtpHeader
from sim.stream import Block, Stream

CLOCK_RATE = 16_000
MEDIA = {"payload_type": 98, "ssrc": 0x10557E87}
REPAIR = {"payload_type": 99, "ssrc": 0x10557E88}


class TextParams(BaseModel):
    """Concealment of lost words, and windows of 6 words that are interleaved together."""

    model_config = ConfigDict(extra="forbid")
    name: Literal["text"] = "text"
    concealment: str = "none"
    windows_interleaved: int = Field(1, ge=1, le=10)

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

    Source: the SyncSC paper, Sections II-B2 and III-C (N_pl = 6).
    """

    Params = TextParams
    sends = "words"

    def __init__(self, params: TextParams, code: Any, device: str = "cpu") -> None:
        self.params = params
        self.code = code
        hidden = "" if params.concealment == "none" else f"-{params.concealment}"
        spread = "" if params.windows_interleaved == 1 else f"-x{params.windows_interleaved}"
        self.label = f"text-{code.label}{hidden}{spread}"

    def encode(self, clip: Clip) -> Stream:
        """The packets for the clip's words; see `Endpoint.encode`."""
        if not clip.words:
            raise ClipError(f"clip {clip.name} has no words; give a transcript, or captions beside the video")
        huffman, size = load_code(), WINDOW * self.params.windows_interleaved
        packets: list[bytes] = []
        media, available, blocks = [], [], []
        sent = repairs = 0
        for sbn, first in enumerate(range(0, len(clip.words), size)):
            words = clip.words[first : first + size]
            end = max(words[-1].end_s, words[-1].start_s)
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
            available += [end] * code.n
        times = tuple((word.start_s, word.end_s) for word in clip.words)
        session = {"times": times, "name": clip.name, "source": clip.source}
        return Stream(tuple(packets), np.array(media), np.array(available), tuple(blocks), session)

    def decode(self, stream: Stream, delivery: Delivery) -> Received:
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
        filled = concealment(self.params.concealment).fill(texts, WINDOW * self.params.windows_interleaved)
        times = stream.session["times"]
        words = tuple(Word(text, *time) for text, time in zip(filled, times, strict=True))
        clip = Clip(stream.session["name"], words=words, source=stream.session["source"])
        return Received(clip)

    def columns(self, stream: Stream) -> dict[str, Any]:
        """What the table says of this endpoint."""
        return {
            "codec": "huffman",
            "words": len(stream.session["times"]),
            **self.params.model_dump(exclude={"name"}),
        }
