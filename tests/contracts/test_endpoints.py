"""What every registered endpoint must hold; a plug-in passes unchanged.

Only packets and the session reach a receiver: it plays nothing that it was not sent, reads every byte that it gets, and
gives the same from the packets alone, in another process, however they are numbered, repeated or put in order.
"""

import dataclasses
import hashlib
import json
import subprocess
import sys
from functools import lru_cache

import numpy as np
import pytest

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.delay import Delay
from lossweep.endpoints.clip import SPEECH_RATE, Clip, Playback, Word
from lossweep.endpoints.endpoint import ENDPOINTS
from lossweep.endpoints.fec.adu import REPAIR_HEADER_BYTES
from lossweep.endpoints.fec.reed_solomon import ReedSolomon
from lossweep.endpoints.receiver import receive
from lossweep.endpoints.session import from_json, to_json
from lossweep.experiments.clips import load_clips
from lossweep.sim import rtp
from lossweep.sim.delivery import Arrival
from lossweep.sim.simulate import simulate

VIDEO = {"quantizer": 40, "gop": 8}
OPTIONS: dict[str, list[dict]] = {
    "h264": [VIDEO, VIDEO | {"packetization": "object"}],
    "h265": [VIDEO],
    "av1": [VIDEO],
    "syncsc": [{"drawing": "warp"}],
    "text": [
        {},
        {"concealment": "ngram", "window_words": 3, "windows_interleaved": 2, "look_ahead_windows": 1},
    ],
    "opus": [{}, {"redundancy": 2}, {"bitrate": 24_000, "fec": True}],
    "system": [
        {"video": {"name": "h264"} | VIDEO, "speech": "opus", "words": "text"},
        {"video": {"name": "syncsc", "drawing": "frozen"}, "words": "text", "voice": "visual"},
    ],
}
"""Options of endpoints that need some; every other one is made with none."""
SENDERS = [n for n in ENDPOINTS.names() if getattr(ENDPOINTS.get(n), "carries", "packets") == "packets"]
"""Those that send packets; `test_symbol_endpoints` has those that send symbols."""
CASES = [(name, options) for name in SENDERS for options in OPTIONS.get(name, [{}])]
IDS = [
    "-".join([name, *(str(v) for v in options.values() if not isinstance(v, dict))])
    for name, options in CASES
]
cases = pytest.mark.parametrize("case", range(len(CASES)), ids=IDS)
FLIPS = 100
REPAIR_BYTES = rtp.RTP_HEADER_BYTES + REPAIR_HEADER_BYTES + 3
"""Of a repair packet before the first byte of the packet that it repairs: headers, flow and length."""


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("LOSSWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@lru_cache(maxsize=1)
def portrait() -> Clip:
    """1.32 s of the built-in clip, from where it speaks."""
    clip, start_s, end_s = load_clips("portrait", seconds=3)[0], 0.8, 2.12
    words = [word for word in clip.words if start_s <= word.start_s and word.end_s < end_s]
    return dataclasses.replace(
        clip,
        video=clip.video[round(start_s * clip.fps) : round(end_s * clip.fps)],
        speech=clip.speech[round(start_s * SPEECH_RATE) : round(end_s * SPEECH_RATE)],
        words=tuple(Word(word.text, word.start_s - start_s, word.end_s - start_s) for word in words),
    )


def other() -> Clip:
    """Nothing of it is in the clip above but the face."""
    clip, whole = portrait(), load_clips("portrait", seconds=3)[0]
    words = tuple(dataclasses.replace(word, text="other") for word in clip.words[:2])
    return Clip("other", whole.video[40:60], 25.0, 0.5 * whole.speech[32_000:], words)


def endpoint(case: int):
    name, options = CASES[case]
    cls = ENDPOINTS.get(name)
    return cls(cls.Params.model_validate({"name": name} | options), ReedSolomon(0.5))


@lru_cache(maxsize=len(CASES))
def encoded(case: int):
    return endpoint(case).encode(portrait())


def delivered(stream, loss_rate=0.0, seed=1, jitter_s=0.0, playout_delay_s="auto"):
    delay = Delay(propagation_delay_s=0.02, jitter_s=jitter_s)
    return simulate(stream, Bernoulli(loss_rate), delay, seed=seed, playout_delay_s=playout_delay_s)


def decoded(case: int, arrivals, playout_delay_s: float) -> Playback:
    session = encoded(case).session
    return type(endpoint(case)).decode(receive(arrivals, session.streams, playout_delay_s), session)


def digest(shown: Playback) -> str:
    """Of all that is seen, heard and read."""
    clip = shown.clip
    speech = b"" if clip.speech is None else np.ascontiguousarray(clip.speech).tobytes()
    semantics = b"" if shown.semantics is None else np.ascontiguousarray(shown.semantics).tobytes()
    rest = repr((shown.outcome, shown.digests, clip.words, clip.fps)).encode()
    return hashlib.blake2b(b"|".join([speech, semantics, rest]), digest_size=16).hexdigest()


@cases
def test_with_everything_lost_it_shows_grey_silence_and_no_words_whatever_the_clip(case):
    shown = []
    for clip in (portrait(), other()):
        sender = endpoint(case)
        sent = sender.encode(clip)
        assert len(sent.stream.packets) > 0
        playback = type(sender).decode([], sent.session)
        if playback.clip.video is not None:
            assert set(playback.outcome) == {"grey"}
            assert all((picture == 128).all() for picture in playback.pictures(range(3)))
        assert playback.clip.speech is None or not playback.clip.speech.any()
        assert not playback.clip.words
        parts = (playback.clip.video, playback.clip.speech, playback.clip.words)
        shown.append([None if part is None else len(part) for part in parts])
    assert shown[0] == shown[1]


@cases
def test_without_loss_it_shows_the_clip(case):
    sent, clip = encoded(case), portrait()
    delivery = delivered(sent.stream)
    playback = decoded(case, delivery.arrivals(sent.stream), delivery.playout_delay_s)
    if playback.clip.video is not None:
        assert len(playback.clip.video) >= len(clip.video)
        assert set(playback.outcomes(len(clip.video))) == {"whole"}
    if playback.clip.speech is not None:
        assert len(playback.clip.speech) >= 0.9 * len(clip.speech)
        assert playback.clip.speech.any()
    if playback.clip.words is not None:
        assert [word.text for word in playback.clip.words] == [word.text for word in clip.words]


@cases
@pytest.mark.parametrize("seed", range(4))
def test_what_the_receiver_has_from_bytes_is_what_the_pattern_says(case, seed):
    """A packet that carries something older than its timestamp is wanted earlier by that."""
    sent = encoded(case)
    stream, streams = sent.stream, {(s.ssrc, s.payload_type): s for s in sent.session.streams}
    delivery = delivered(
        stream, 0.1 + 0.15 * seed, seed, jitter_s=0.05, playout_delay_s=(None, 0.2)[seed % 2] or "auto"
    )
    there = {
        (p.stream, p.number): p.early_s
        for p in receive(delivery.arrivals(stream), sent.session.streams, delivery.playout_delay_s)
    }
    counted = 0
    for i, packet in enumerate(stream.packets):
        header, _ = rtp.parse(packet)
        line = streams.get((header.ssrc, header.payload_type))
        if line is None:
            continue
        number = (header.sequence_number - line.first_sequence_number) % 2**16
        older_s = line.media_time_s(header.timestamp) - stream.media_time_s[i]
        early_s = there.get((line.name, number), -1.0)
        in_payload = line.repair is None and delivery.recovered[i]  # rebuilt by the endpoint itself
        assert (early_s >= older_s - 2e-9) == (delivery.usable[i] and not in_payload)
        counted += 1
    assert counted >= np.count_nonzero(delivery.source)


def source_packets(case: int) -> list[int]:
    """Index of each in the stream."""
    return [i for b in encoded(case).stream.blocks for i in range(b.first, b.first + b.code.k)]


def wanted(case: int, index: int) -> list[int]:
    """The packets to deliver so that packet `index` of the stream is needed.

    All source packets; where it is a repair packet, it takes the place of the last source packet of its block. Where
    packets carry earlier frames again, those between are left out.
    """
    source, redundancy = source_packets(case), CASES[case][1].get("redundancy", 0)
    if redundancy:
        return source[source.index(index) % (redundancy + 1) :: redundancy + 1]
    if index in source:
        return source
    return [i for i in source if i != replaced(case, index)] + [index]


def replaced(case: int, index: int) -> int:
    """The last source packet of a packet's block."""
    (block,) = (b for b in encoded(case).stream.blocks if b.first <= index < b.first + b.code.n)
    return block.first + block.code.k - 1


def unused(case: int, index: int, offset: int, mask: int) -> str:
    """Why a receiver need not read these bits of a packet; "" where it must."""
    sent = encoded(case)
    data, stands_for = sent.stream.packets[index], sent.stream.packets[replaced(case, index)]
    header, _ = rtp.parse(data)
    lines = {(s.ssrc, s.payload_type): s for s in sent.session.streams}
    line = lines.get((header.ssrc, header.payload_type))
    place = offset
    if line is None:
        if 2 <= offset < 8:
            return "repair packets are told apart by their FEC payload ID, not by number and timestamp"
        if 12 <= offset < 15:
            return "the source block number; the block's base sequence number says it too"
        if offset >= (place := REPAIR_BYTES) + len(stands_for):
            return "padding behind the packet that the repair packet stands for"
        place, data, (header, _) = offset - place, stands_for, rtp.parse(stands_for)
        line = lines[header.ssrc, header.payload_type]
    elif line.repair is None and index not in source_packets(case):
        data = stands_for
    if place == 1 and mask == 0x80:
        return "the marker says nothing in this payload format"
    shift_s = ((data[place] ^ mask) - data[place]) * 256 ** (7 - place) / line.clock_rate
    if line.name == "video" and 4 <= place < 8 and abs(shift_s) < 0.02:
        return "a video frame's timestamp is off by less than half a frame"
    if CASES[case][1].get("packetization") == "object" and 4 <= place < 8:
        return "all packets of a GOP have the timestamp of its first frame; that of one of them is read"
    if line.name == "video" and not any(data[place:]):
        return "zeros that fill the last symbol of a GOP"
    if line.name in ("video", "speech") and place == len(data) - 1:
        return "the last byte of a frame; arithmetic coding may end before it"
    return ""


def in_picture(case: int, index: int, offset: int, mask: int) -> bool:
    """Whether the byte is a video codec's.

    No decoder shows all of those: parameter sets describe and time, and some bits change no sample.
    """
    header, _ = rtp.parse(encoded(case).stream.packets[index])
    codecs = {ssrc for ssrc in (0x10557EE9, 0x10557EEA) if CASES[case][0] not in ("syncsc", "fom")}
    return header.ssrc in codecs and offset >= (12 if header.ssrc == 0x10557EE9 else REPAIR_BYTES + 12)


@cases
def test_every_byte_of_a_packet_counts_and_none_breaks_the_receiver(case):
    stream = encoded(case).stream
    rng = np.random.default_rng(case)
    redundant = "redundancy" in CASES[case][1]
    sent = source_packets(case) if redundant else range(len(stream.packets))
    without_effect = []
    for _ in range(FLIPS):
        index = int(rng.choice(sent))
        offset, mask = int(rng.integers(len(stream.packets[index]))), int(rng.integers(1, 256))
        packet = bytearray(stream.packets[index])
        packet[offset] ^= mask
        right = [Arrival(stream.packets[i], 2.0) for i in wanted(case, index)]
        wrong = [Arrival(bytes(packet), a.arrived_s) if a.data is stream.packets[index] else a for a in right]
        taken, damaged = (receive(a, encoded(case).session.streams, 10.0) for a in (right, wrong))
        rejected = len(damaged) < len(taken)
        same = not rejected and digest(decoded(case, right, 10.0)) == digest(decoded(case, wrong, 10.0))
        if same and not unused(case, index, offset, mask):
            without_effect.append((index, offset, mask))
    coded = [flip for flip in without_effect if in_picture(case, *flip)]
    assert without_effect == coded
    assert len(coded) <= FLIPS / 10


@cases
@pytest.mark.parametrize("seed", range(3))
def test_no_bytes_break_the_receiver(case, seed):
    """Packets cut short, with bytes behind, with a payload of chance, and bytes that are no packet at all."""
    rng, stream = np.random.default_rng(seed), encoded(case).stream
    packets = []
    for packet in stream.packets:
        cut = int(rng.integers(len(packet) + 1))
        ways = (
            packet,
            packet[:cut],
            packet + rng.bytes(cut),
            packet[: rtp.RTP_HEADER_BYTES] + rng.bytes(cut),
            rng.bytes(cut),
        )
        packets.append(ways[rng.integers(len(ways))])
    arrivals = [Arrival(packet, 2.0) for packet in packets]
    shown = decoded(case, arrivals, 10.0)
    assert shown.clip.speech is None or np.isfinite(shown.clip.speech).all()
    assert shown.clip.video is None or len(shown.clip.video) == len(shown.outcome) >= 1


@cases
def test_packets_twice_and_in_any_order_change_nothing(case):
    stream = encoded(case).stream
    delivery = delivered(stream, 0.2, seed=7, playout_delay_s=10.0)
    arrivals = delivery.arrivals(stream)
    rng = np.random.default_rng(0)
    late = [dataclasses.replace(a, arrived_s=a.arrived_s + 0.2 * rng.random()) for a in arrivals]
    again = [dataclasses.replace(a, arrived_s=a.arrived_s + 0.2 * rng.random()) for a in arrivals]
    mixed = sorted(late + again, key=lambda a: a.arrived_s)
    assert [a.data for a in mixed[: len(arrivals)]] != [a.data for a in arrivals]
    assert digest(decoded(case, mixed, 10.0)) == digest(decoded(case, arrivals, 10.0))


@cases
@pytest.mark.parametrize("playout_delay_s", ["auto", 0.4])
def test_what_arrives_later_never_changes_what_was_played(case, playout_delay_s):
    """Up to a media time, the packets that were there by then are all that counts."""
    played_s = 0.7
    if "voice" in CASES[case][1]:
        pytest.skip("the voice is synthesised when the clip is over: the README says so")
    stream = encoded(case).stream
    delivery = delivered(stream, 0.15, 2, jitter_s=0.03, playout_delay_s=playout_delay_s)
    arrivals, wait_s = delivery.arrivals(stream), delivery.playout_delay_s
    by_then = [a for a in arrivals if a.arrived_s <= played_s + wait_s]
    full, part = (decoded(case, some, wait_s) for some in (arrivals, by_then))
    assert beginning(full, played_s) == beginning(part, played_s)


def beginning(shown: Playback, seconds: float) -> tuple:
    """Frames, samples and words of the first `seconds`; after a receiver's last one: the same picture, silence."""
    frames, samples, clip = round(seconds * 25) + 1, round(seconds * SPEECH_RATE), shown.clip
    digests = () if clip.video is None else (shown.digests + shown.digests[-1:] * frames)[:frames]
    speech = None if clip.speech is None else np.pad(clip.speech, (0, samples))[:samples].tolist()
    words = [word.text for word in clip.words or () if word.start_s <= seconds]
    outcomes = () if clip.video is None else shown.outcomes(frames)
    return outcomes, digests, speech, words


@cases
def test_numbers_that_wrap_change_nothing(case, monkeypatch):
    def shown(sent):
        delivery = delivered(sent.stream, 0.2, seed=7)
        arrivals = delivery.arrivals(sent.stream)
        received = receive(arrivals, sent.session.streams, delivery.playout_delay_s)
        return digest(type(endpoint(case)).decode(received, sent.session))

    usual = shown(encoded(case))
    monkeypatch.setattr("lossweep.sim.rtp.initial_sequence_number", lambda ssrc: 65_535 - ssrc % 2)
    wrapping = endpoint(case).encode(portrait())
    numbers = {rtp.parse(packet)[0].sequence_number for packet in wrapping.stream.packets}
    assert {65_535, 0} <= numbers
    assert shown(wrapping) == usual


def test_another_process_decodes_from_the_packets_and_the_session_alone(tmp_path):
    work, shown = [], []
    for case, (name, _) in enumerate(CASES):
        sent = encoded(case)
        delivery = delivered(sent.stream, 0.2, seed=5)
        arrivals = delivery.arrivals(sent.stream)
        shown.append(digest(decoded(case, arrivals, delivery.playout_delay_s)))
        kind, text = type(sent.session), to_json(sent.session)
        assert to_json(from_json(text, kind)) == text
        packets = [(a.data.hex(), a.arrived_s) for a in arrivals]
        work.append([name, kind.__module__, kind.__name__, text, packets, delivery.playout_delay_s])
    (tmp_path / "work.json").write_text(json.dumps(work))
    code = "import test_endpoints as t; import sys; t.receiver(sys.argv[1])"
    command = [sys.executable, "-c", code, str(tmp_path / "work.json")]
    done = subprocess.run(
        command, cwd=__file__.rpartition("/")[0], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == shown


def receiver(path: str) -> None:
    """The other process: it never saw the clip nor a sender."""
    from importlib import import_module

    out = []
    with open(path) as file:
        for name, module, kind, text, packets, playout_delay_s in json.load(file):
            session = from_json(text, getattr(import_module(module), kind))
            arrivals = [Arrival(bytes.fromhex(data), arrived_s) for data, arrived_s in packets]
            received = receive(arrivals, session.streams, playout_delay_s)
            out.append(digest(ENDPOINTS.get(name).decode(received, session)))
    print(json.dumps(out))
