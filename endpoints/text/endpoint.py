"""The text stream of SyncSC: windows of words, interleaved, Huffman coded, one word per packet; concealment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from lossweep.endpoints.clip import Clip, ClipError, Playback, Word
from lossweep.endpoints.endpoint import Encoded, Scalar
from lossweep.endpoints.fec.code import CodeFamily, block_code
from lossweep.endpoints.fec.packets import repair_packets
from lossweep.endpoints.receiver import ReceivedPacket
from lossweep.endpoints.session import RepairStream, RtpStream
from lossweep.endpoints.text.concealment import CONCEALMENTS, concealment
from lossweep.endpoints.text.huffman import load as load_code
from lossweep.endpoints.text.interleaving import WINDOW, order
from lossweep.endpoints.text.payload import WordPayload, field_bits, packetize
from lossweep.endpoints.text.received_words import in_order
from lossweep.endpoints.text.weights import FILES, SHIPPED
from lossweep.endpoints.text.word_ends import ends_s
from lossweep.endpoints.weights import sha256
from lossweep.sim import rtp
from lossweep.sim.stream import Block, Stream

CLOCK_RATE = 16_000
PAYLOAD_TYPE, SSRC = 98, 0x10557E87
REPAIR_PAYLOAD_TYPE, REPAIR_SSRC = 99, 0x10557E88
PACING = 2.5
"""As `lossweep.sim.sender` paces, but by the block's duration: a pause after a block does not slow its packets."""
PAUSE_S = 1.5
"""A window closes where the next word begins so much later."""


class TextParams(BaseModel):
    """Options of the text endpoint.

    Attributes:
        concealment: of lost words: "none", "unigram", "ngram" or "textpc".
        window_words: words of a window; fewer are sent sooner and give repair and concealment less to work with.
        windows_interleaved: windows that one block holds.
        look_ahead_windows: later blocks that concealment waits for.
    """

    model_config = ConfigDict(extra="forbid")
    name: Literal["text"] = "text"
    concealment: str = "none"
    window_words: int = Field(WINDOW, ge=1, le=WINDOW)
    windows_interleaved: int = Field(1, ge=1, le=10)
    look_ahead_windows: int = Field(0, ge=0, le=10)

    @field_validator("concealment")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in CONCEALMENTS.names():
            CONCEALMENTS.get(value)
        return value


@dataclass(frozen=True)
class TextSession:
    """What a receiver of words knows beforehand.

    Attributes:
        streams: the words' stream with its repair stream.
        concealment: registered name of the method that fills in missing words.
        block_words: words of a full block; they give the width of the payload header's fields.
        look_ahead_windows: blocks that the receiver waits for before it fills one in.
    """

    streams: tuple[RtpStream, ...]
    concealment: str = "none"
    block_words: int = WINDOW
    look_ahead_windows: int = 0


class TextEndpoint:
    """Words as Huffman-coded RTP packets; lost words are concealed by a language model.

    Each word has its own packet, so adjacent words never share a packet, one lost packet is one lost
    word, and a window of 6 words gives Reed-Solomon k = 6 source packets (n = 12, 24 at code rates
    1/2, 1/4). The price is one header per word, about 0.8 kbit/s of wire rate at 2.5 words per second. Packets
    leave in random order when the block's last word ends, so a burst is spread over the window; more
    windows interleaved spread it further and wait longer.

    Deviation from the paper's fixed windows: one closes early, and then has k < 6 words, where the speaker
    pauses (the next word begins more than PAUSE_S later), so that the end of a sentence does not wait for the
    next one. A window is filled when its last word is due.

    With `look_ahead_windows` concealment may use that many blocks after the one it fills. Words are then shown
    later by the longest time from a block's first word to that of the last block waited for: the column
    `look_ahead_delay_s`, to be added to the playout delay. The packets' deadlines stay as they are.

    Source: the SyncSC paper, Sections II-B2 and III-C (N_pl = 6).
    """

    Params = TextParams
    sends = "words"
    title = "text"

    def __init__(self, params: TextParams, code: CodeFamily, device: str = "cpu") -> None:
        self.params, self.code = params, block_code("endpoint text", code)
        hidden = "" if params.concealment == "none" else f"-{params.concealment}"
        spread = "" if params.windows_interleaved == 1 else f"-x{params.windows_interleaved}"
        waits = f"-ahead{params.look_ahead_windows}" if params.look_ahead_windows else ""
        short = "" if params.window_words == WINDOW else f"-w{params.window_words}"
        self.name = f"text{hidden}{short}{spread}{waits}"
        self.label = f"text-{code.label}{hidden}{short}{spread}{waits}"

    @classmethod
    def weights(cls) -> dict[str, str]:
        """SHA-256 of the files that both ends read; see `Endpoint`."""
        return sha256(*(SHIPPED / name for name in FILES))

    def encode(self, clip: Clip) -> Encoded[TextSession]:
        """The packets for the clip's words; see `Endpoint.encode`."""
        if not clip.words:
            raise ClipError(f"clip {clip.name} has no words; give a transcript, or captions beside the video")
        if self.params.concealment != "none":
            clip.require_english(f"concealment {self.params.concealment}")
        params, huffman = self.params, load_code()
        block_words = params.window_words * params.windows_interleaved
        field = field_bits(block_words)
        ends = window_ends(
            [w.start_s for w in clip.words], [w.end_s for w in clip.words], params.window_words
        )
        ends = [*ends[params.windows_interleaved - 1 : -1 : params.windows_interleaved], ends[-1]]
        until_s = [max(clip.words[i - 1].start_s, clip.words[i - 1].end_s) for i in ends] + [float("inf")]
        repair = RepairStream(REPAIR_SSRC, REPAIR_PAYLOAD_TYPE, self.code.parameters())
        number, first_repair = rtp.initial_sequence_number(SSRC), rtp.initial_sequence_number(REPAIR_SSRC)
        line = RtpStream("words", SSRC, PAYLOAD_TYPE, CLOCK_RATE, number, 0, repair)
        packets: list[bytes] = []
        media, available, blocks = [], [], []
        repairs = 0
        for sbn, (first, last) in enumerate(pairwise([0, *ends])):
            words, k = clip.words[first:last], last - first
            end = until_s[sbn]
            code = self.code.make(k)
            blocks.append(Block(sbn, len(packets), code, words[0].start_s, end - words[0].start_s))
            source = []
            for esi, place in enumerate(order(first, k)):
                word = words[place]
                timestamp = line.timestamp(word.start_s)
                header = rtp.RtpHeader(PAYLOAD_TYPE, (number + first + esi) % 2**16, timestamp, SSRC)
                payload = WordPayload(word.text, word.end_s - word.start_s, esi, k)
                source.append(header.serialize() + packetize(huffman, payload, field))
                media.append(line.media_time_s(timestamp))
            packets += source
            timestamps = [line.timestamp(words[0].start_s)] * (code.n - k)
            packets += repair_packets(source, code, sbn, line, first_repair + repairs, timestamps)
            media += [words[0].start_s] * (code.n - k)
            repairs += code.n - k
            available += _paced(words[0].start_s, end, until_s[sbn + 1], code.n)
        stream = Stream(tuple(packets), np.array(media), np.array(available), tuple(blocks))
        session = TextSession((line,), params.concealment, block_words, params.look_ahead_windows)
        return Encoded(stream, session, columns=self._columns(clip, blocks))

    @classmethod
    def decode(
        cls, received: Sequence[ReceivedPacket], session: TextSession, device: str = "cpu"
    ) -> Playback:
        """The words that arrived in time; those that are known to be missing are filled in or None.

        Words after the last block of which a packet arrived are unknown. Start and end of a missing word follow
        by rule (`received_words`, `word_ends`).
        """
        words = in_order(received, load_code(), session.block_words)
        filler = concealment(session.concealment, device)
        texts = filler.fill(words.texts, words.windows, session.look_ahead_windows) if words.texts else []
        known = words.starts_s + words.durations_s
        ends = np.where(np.isnan(known), ends_s(texts, words.starts_s), known)
        shown = zip(texts, words.starts_s.tolist(), ends.tolist(), strict=True)
        return Playback(Clip("received", words=tuple(Word(*word) for word in shown)))

    def _columns(self, clip: Clip, blocks: Sequence[Block]) -> dict[str, Scalar]:
        starts = np.array([block.media_start_s for block in blocks])
        ahead = min(self.params.look_ahead_windows, len(starts) - 1)
        return {
            "codec": "huffman",
            "words": len(clip.words or ()),
            "windows": len(starts),
            **self.params.model_dump(exclude={"name"}),
            "look_ahead_delay_s": float(np.max(starts[ahead:] - starts[: len(starts) - ahead])),
        }


def window_ends(starts_s: Sequence[float], ends_s: Sequence[float], words: int = WINDOW) -> list[int]:
    """Where windows of up to so many words end, the index after each one's last word; none spans a pause.

    Args:
        starts_s, ends_s: of each word, in order.
    """
    ends, first = [], 0
    for i in range(1, len(starts_s) + 1):
        if i == len(starts_s) or i - first == words or starts_s[i] - ends_s[i - 1] > PAUSE_S:
            ends.append(i)
            first = i
    return ends


def _paced(start_s: float, end_s: float, next_s: float, packets: int) -> list[float]:
    """When each packet of a block goes: from its end on, in 1 / PACING of its duration, before the next ends."""
    step = max(min(end_s - start_s, next_s - end_s), 0.0) / packets / PACING
    return [end_s + i * step for i in range(packets)]
