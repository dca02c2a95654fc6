"""Other programs read what we write: tshark the captures, ffmpeg the session description and the packets."""

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "packetize"))
from test_ffmpeg_plays import free_port, pictures, wait_until_bound

from lossweep.channels.bernoulli import Bernoulli
from lossweep.channels.captures import only_stream, read_rtp
from lossweep.channels.corruption import Corruption
from lossweep.channels.delay import Delay
from lossweep.channels.duplication import Duplication
from lossweep.channels.loss_records import read_losses
from lossweep.endpoints.capture_files import FIRST_PORT, write_received, write_sent
from lossweep.endpoints.codecs.audio.opus import OpusEndpoint, OpusParams
from lossweep.endpoints.codecs.video.endpoint import H264Endpoint, H265Endpoint, VideoParams
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.sdp import session_description
from lossweep.experiments.clips import load_clips
from lossweep.sim.simulate import simulate

FRAMES = 20
TSHARK = shutil.which("tshark")


@pytest.fixture(scope="module")
def clip():
    return load_clips("portrait", seconds=FRAMES / 25, size=128)[0]


def video(kind, clip):
    name = {H264Endpoint: "h264", H265Endpoint: "h265"}[kind]
    return kind(VideoParams(name=name, quantizer=36, gop=8, packetization="rtp"), NoCode()).encode(clip)


@pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")
@pytest.mark.parametrize("kind", ["h264", "h265", "opus"])
def test_tshark_reads_the_captures_without_a_malformed_packet(kind, clip, tmp_path):
    if kind == "opus":
        encoded = OpusEndpoint(OpusParams(), NoCode()).encode(clip)
    else:
        encoded = video({"h264": H264Endpoint, "h265": H265Endpoint}[kind], clip)
    got = simulate(encoded.stream, Bernoulli(0.2), Duplication(0.2), Delay(0.02), seed=1)
    write_sent(tmp_path / "sent.pcap", encoded.stream, encoded.session, got)
    write_received(tmp_path / "received.pcap", encoded.stream, encoded.session, got)
    arrivals = len(got.arrivals(encoded.stream))
    for name, count in (("sent", len(encoded.stream.packets)), ("received", arrivals)):
        payload_type = encoded.session.streams[0].payload_type
        dissector = ["-o", f"{kind}.dynamic.payload.type:{payload_type}"]
        show = [
            "-d",
            f"udp.port=={FIRST_PORT},rtp",
            "-T",
            "fields",
            "-e",
            "_ws.col.Protocol",
            "-e",
            "_ws.malformed",
        ]
        read = subprocess.run(
            [TSHARK, "-r", str(tmp_path / f"{name}.pcap"), *dissector, *show, "-e", "udp.checksum.status"],
            check=True,
            capture_output=True,
            text=True,
        )
        rows = [line.split("\t") for line in read.stdout.splitlines()]
        assert len(rows) == count
        assert {row[0] for row in rows} <= {{"h264": "H.264", "h265": "H.265", "opus": "OPUS"}[kind]}
        assert not any(row[1] for row in rows)


@pytest.mark.parametrize(("kind", "format_"), [(H264Endpoint, "h264"), (H265Endpoint, "hevc")])
def test_ffmpeg_plays_the_sent_packets_with_the_sdp_frame_for_frame(kind, format_, clip, tmp_path):
    encoded = video(kind, clip)
    port = free_port()
    (tmp_path / "session.sdp").write_text(session_description(encoded.session, port), newline="")
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error"]
    quickly = ["-analyzeduration", "0", "-probesize", "32", "-protocol_whitelist", "file,udp,rtp"]
    md5 = ["-fps_mode", "passthrough", "-frames:v", str(FRAMES), "-f", "framemd5", "-"]
    command = [*ffmpeg, *quickly, "-i", str(tmp_path / "session.sdp"), *md5]
    with (
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as player,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        try:
            wait_until_bound(port)
            for packet in encoded.stream.packets:
                sender.sendto(packet, ("127.0.0.1", port))
                time.sleep(0.002)
            last = encoded.stream.packets[-1]
            received = None
            for step in range(1, 400):  # the last frame is out when the next one begins
                number = (int.from_bytes(last[2:4], "big") + step) % 2**16
                stamp = (int.from_bytes(last[4:8], "big") + 3600 * step) % 2**32
                changed = number.to_bytes(2, "big") + stamp.to_bytes(4, "big")
                sender.sendto(last[:2] + changed + last[8:], ("127.0.0.1", port))
                time.sleep(0.005)
                if player.poll() is not None:
                    break
            received, _ = player.communicate(timeout=5)
        finally:
            player.kill()
    whole = access_units(encoded)
    expected = subprocess.run(
        [*ffmpeg, "-f", format_, "-i", "-", *md5], input=whole, check=True, capture_output=True
    ).stdout
    assert pictures(received) == pictures(expected)
    assert len(pictures(received)) == FRAMES


def access_units(encoded):
    """The elementary stream in the packets."""
    from importlib import import_module

    from lossweep.sim.rtp import parse

    payload_format = import_module(f"lossweep.endpoints.packetize.{encoded.session.codec}")
    data, payloads = b"", []
    for packet in encoded.stream.packets:
        header, payload = parse(packet)
        payloads.append(payload)
        if header.marker:
            data += payload_format.depacketize(payloads).data
            payloads = []
    return data


def test_what_is_captured_is_read_back(clip, tmp_path):
    encoded = video(H264Endpoint, clip)
    got = simulate(encoded.stream, Bernoulli(0.2), Delay(0.02), seed=3)
    write_received(tmp_path / "received.pcap", encoded.stream, encoded.session, got)
    captured = only_stream("x", read_rtp(str(tmp_path / "received.pcap")))
    arrived = ~got.lost
    assert captured.time_s == pytest.approx(got.arrived_s[arrived], abs=1e-9)
    assert captured.size_bytes.tolist() == got.size_bytes[arrived].tolist()
    first, last = np.flatnonzero(arrived)[[0, -1]]
    assert read_losses(str(tmp_path / "received.pcap")).lost.tolist() == got.lost[first : last + 1].tolist()


def test_a_delivered_bit_error_is_in_the_capture_and_nowhere_else(clip, tmp_path):
    encoded = video(H264Endpoint, clip)
    got = simulate(encoded.stream, Corruption(0.3, deliver=True), Delay(0.02), seed=1)
    arrivals = got.arrivals(encoded.stream)
    flipped = [
        bin(int.from_bytes(a.data, "big") ^ int.from_bytes(packet, "big")).count("1")
        for a, packet in zip(arrivals, encoded.stream.packets, strict=True)
    ]
    assert set(flipped) == {0, 1}
    assert flipped == [int(bit >= 0) for bit in got.datagrams.flipped_bit]
