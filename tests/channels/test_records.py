"""Traces and captures: what is read, and one clear line for what cannot be."""

import gzip
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from lossweep.channels.captures import only_stream, read_rtp
from lossweep.channels.chance import Chance
from lossweep.channels.loss_records import read_losses
from lossweep.channels.loss_trace import LossTrace
from lossweep.channels.packets import Packets
from lossweep.channels.pcap import udp_packet, write_pcap
from lossweep.channels.service import read_service
from lossweep.channels.traces import TraceError, read_delays


def rtp(number, ssrc=7, payload=b"data"):
    return struct.pack("!BBHII", 0x80, 96, number % 2**16, number * 160, ssrc) + payload


def capture(path, packets):
    write_pcap(path, ((time_s, udp_packet(data, 5004, i)) for i, (time_s, data) in enumerate(packets)))
    return str(path)


def losses_of(trace, times):
    number = np.arange(len(times))
    sent = Packets(number, number, number * 0, np.full(len(times), 100), np.array(times, dtype=float))
    return trace.start(Chance(0, 0, 0), 0.0).lost(sent).tolist()


@pytest.mark.parametrize("text", ["0010011", "0 0 1 0 0 1 1", "0\n0\n1\n0\n0\n1\n1\n", "0,0,1,0\n0,1,1"])
def test_zeros_and_ones(tmp_path, text):
    (tmp_path / "t").write_text(text)
    assert read_losses(str(tmp_path / "t")).lost.astype(int).tolist() == [0, 0, 1, 0, 0, 1, 1]
    (tmp_path / "t.gz").write_bytes(gzip.compress(text.encode()))
    assert read_losses(str(tmp_path / "t.gz")).lost.sum() == 3


def test_sequence_numbers_that_wrap(tmp_path):
    (tmp_path / "t").write_text("seq\n65533\n65534\n0\n1\n3\n2\n5\n")
    assert read_losses(str(tmp_path / "t")).lost.tolist() == [
        False,
        False,
        True,
        False,
        False,
        False,
        False,
        True,
        False,
    ]


def test_loss_fractions_are_clamped_and_it_is_said(tmp_path, capsys):
    (tmp_path / "t").write_text("0.000 20.59 14.0ms -0.7\n0.015 20.5 14.0ms 1.0\n0.030 20 13.0ms 0.0\n")
    trace = LossTrace(str(tmp_path / "t"), begin="start")
    assert "1 loss fractions outside [0, 1] are clamped" in capsys.readouterr().err
    assert losses_of(trace, [0.0, 0.016, 0.029, 0.031, 0.046, 0.062]) == [
        False,
        True,
        True,
        False,
        False,
        True,
    ]
    assert trace.expected_loss() == pytest.approx(1 / 3)


def test_a_sequence_in_time_is_the_same_for_more_packets(tmp_path):
    (tmp_path / "t").write_text("00110")
    trace = LossTrace(str(tmp_path / "t"), packet_interval_s=0.02, begin="start")
    assert losses_of(trace, [0.0, 0.03, 0.045, 0.05, 0.079, 0.081, 0.145]) == [0, 0, 1, 1, 1, 0, 1]
    assert losses_of(
        LossTrace(str(tmp_path / "t"), begin="start"), [0.0, 0.03, 0.045, 0.05, 0.079, 0.081]
    ) == [
        *[0, 0, 1, 1, 0],
        0,
    ]


def test_captures_of_several_kinds(tmp_path):
    packets = [(0.02 * i, rtp(65530 + i)) for i in range(12) if i not in (4, 5)]
    expected = [i in (4, 5) for i in range(12)]
    path = capture(tmp_path / "a.pcap", packets)
    assert read_losses(path).lost.tolist() == expected
    stream = only_stream(path, read_rtp(path))
    assert stream.time_s == pytest.approx([time_s for time_s, _ in packets])
    assert set(stream.size_bytes.tolist()) == {16}
    ng = tmp_path / "a.pcapng"
    ng.write_bytes(pcapng(packets))
    assert read_losses(str(ng)).lost.tolist() == expected
    dump = tmp_path / "a.rtp"
    body = b"".join(
        struct.pack("!HHI", 8 + len(data), len(data), round(1000 * time_s)) + data for time_s, data in packets
    )
    dump.write_bytes(b"#!rtpplay1.0 127.0.0.1/5004\n" + bytes(16) + body)
    assert read_losses(str(dump)).lost.tolist() == expected


def pcapng(packets):
    """Section header, an Ethernet interface in microseconds, enhanced packet blocks."""

    def block(kind, body):
        body += bytes(-len(body) % 4)
        length = struct.pack("<I", 12 + len(body))
        return struct.pack("<I", kind) + length + body + length

    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(
        1, struct.pack("<HHI", 1, 0, 0)
    )
    for i, (time_s, data) in enumerate(packets):
        frame = bytes(12) + b"\x08\x00" + udp_packet(data, 5004, i)
        stamp = round(time_s * 1e6)
        out += block(
            6, struct.pack("<5I", 0, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), len(frame)) + frame
        )
    return out


def test_several_streams_are_listed_and_one_is_chosen(tmp_path):
    packets = [(0.02 * i, rtp(i, 7 + i % 2)) for i in range(10)]
    path = capture(tmp_path / "two.pcap", packets)
    with pytest.raises(TraceError, match=r"holds 2 RTP streams.*0x00000007 \(5 packets.*0x00000008 \(5"):
        read_losses(path)
    assert len(only_stream(path, read_rtp(path), 8).time_s) == 5
    assert len(read_losses(path, 8).lost) == 9


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"# nothing\n\n", "is empty"),
        (b"\x1f\x8b\x00broken", "cannot read"),
        (b"\xff\xfe\xfd", "is no text"),
        (b"hello\nworld\n", "line 2: 'world' is not"),
        (b"1 0.1\n0.5 0.2\n", "increasing times"),
        (b"0 0.1\n0.5 nan\n", "finite"),
        (b"1.5\n2\n", "sequence numbers must be integers"),
        (b"\xd4\xc3\xb2\xa1", "cut short"),
        (b"\xd4\xc3\xb2\xa1" + bytes(20), "holds no RTP"),
        (b"\x0a\x0d\x0d\x0a\x03\x00\x00\x00\x4d\x3c\x2b\x1a", "a block of 3 bytes"),
    ],
)
def test_what_is_no_record_of_losses_ends_in_one_line(tmp_path, content, says):
    path = tmp_path / "t"
    path.write_bytes(content)
    with pytest.raises(TraceError, match=says) as error:
        read_losses(str(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("0 0\n1 0\n", "not 0 throughout"),
        ("0 -1\n1 5\n", "0 or more"),
        ("5\n3\n", "must not decrease"),
        ("0\n", "end above 0"),
    ],
)
def test_capacities_that_cannot_be(tmp_path, content, says):
    (tmp_path / "t").write_text(content)
    with pytest.raises(TraceError, match=says):
        read_service(str(tmp_path / "t"))


def test_delays_that_cannot_be(tmp_path):
    (tmp_path / "t").write_text("0.1\n-0.2\n")
    with pytest.raises(TraceError, match="negative delay"):
        read_delays(str(tmp_path / "t"))
    with pytest.raises(TraceError, match="No such file"):
        read_delays(str(tmp_path / "none"))


def test_random_bytes_raise_nothing_foreign(tmp_path):
    rng = np.random.default_rng(5)
    heads = [
        b"\xd4\xc3\xb2\xa1",
        b"\x0a\x0d\x0d\x0a\x20\x00\x00\x00\x4d\x3c\x2b\x1a",
        b"#!rtpplay1.0 \n",
        b"",
    ]
    good = capture(tmp_path / "good.pcap", [(0.02 * i, rtp(i)) for i in range(5)])
    whole = Path(good).read_bytes()
    for i in range(300):
        if i % 2:
            data = heads[i // 2 % 4] + rng.bytes(int(rng.integers(0, 200)))
        else:
            data = bytearray(whole)
            data[int(rng.integers(len(data)))] = int(rng.integers(256))
        (tmp_path / "t").write_bytes(data)
        with suppress(TraceError):
            read_losses(str(tmp_path / "t"))
