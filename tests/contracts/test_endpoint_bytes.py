"""What every registered endpoint must hold of the bytes of its packets: each counts, and none breaks the receiver."""

import numpy as np
import pytest
from endpoint_cases import CASES, cases, decoded, digest, encoded, source_packets

from lossweep.endpoints.fec.adu import REPAIR_HEADER_BYTES
from lossweep.endpoints.receiver import receive
from lossweep.sim import rtp
from lossweep.sim.delivery import Arrival

FLIPS = 100
REPAIR_BYTES = rtp.RTP_HEADER_BYTES + REPAIR_HEADER_BYTES + 3
"""Of a repair packet before the first byte of the packet that it repairs: headers, flow and length."""


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("LOSSWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


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
