"""ffmpeg receives our RTP packets over loopback and decodes every frame of them to the pictures it should."""

import socket
import subprocess
import time
from collections.abc import Iterator
from importlib import import_module

import imageio_ffmpeg
import pytest
from captures import frames, stream

from lossweep.sim.rtp import RtpHeader

FFMPEG = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error"]
INPUT_FORMATS = {"h264": "h264", "h265": "hevc", "av1": "obu"}
RTPMAP = {"h264": "H264/90000\na=fmtp:96 packetization-mode=1", "h265": "H265/90000", "av1": "AV1/90000"}
FRAMES = 6
ROUNDS = 200


@pytest.mark.parametrize("max_payload_size", [100, 1200])
@pytest.mark.parametrize("codec", RTPMAP)
def test_ffmpeg_decodes_all_frames_of_our_packets(codec, max_payload_size, tmp_path):
    port = free_port()
    sdp = tmp_path / "session.sdp"
    sdp.write_text(
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n"
        f"m=video {port} RTP/AVP 96\na=rtpmap:96 {RTPMAP[codec]}\n"
    )
    quickly = ["-analyzeduration", "0", "-probesize", "32"]
    receive = [*FFMPEG, "-protocol_whitelist", "file,udp,rtp", *quickly, "-i", str(sdp)]
    md5 = ["-fps_mode", "passthrough", "-frames:v", str(FRAMES), "-f", "framemd5", "-"]
    direct = [*FFMPEG, "-f", INPUT_FORMATS[codec], "-i", "-"]
    expected = subprocess.run([*direct, *md5], input=stream(codec), check=True, capture_output=True).stdout
    with (
        subprocess.Popen([*receive, *md5], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as player,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        try:
            wait_until_bound(port)
            for packet in rtp_packets(codec, max_payload_size):
                if player.poll() is not None:
                    break
                sender.sendto(packet, ("127.0.0.1", port))
                time.sleep(0.002)
            received, _ = player.communicate(timeout=1)
        finally:
            player.kill()
    assert player.returncode == 0
    assert pictures(received) == pictures(expected)
    assert len(pictures(received)) == FRAMES


def rtp_packets(codec: str, max_payload_size: int) -> Iterator[bytes]:
    """The captured stream in our own packets, again and again, through a wrap of the sequence number."""
    payload_format = import_module(f"lossweep.endpoints.packetize.{codec}")
    sequence_number = 65_530
    for i, captured in enumerate(ROUNDS * frames(codec)):
        payloads = payload_format.packetize(payload_format.depacketize(captured).data, max_payload_size)
        for position, payload in enumerate(payloads, 1):
            marker = position == len(payloads)
            header = RtpHeader(96, sequence_number % 2**16, 3600 * i, 0x1234, marker)
            yield header.serialize() + payload
            sequence_number += 1


def pictures(framemd5: bytes) -> list[str]:
    """The MD5 of each picture, from ffmpeg's framemd5 output."""
    return [
        line.split(",")[-1].strip() for line in framemd5.decode().splitlines() if not line.startswith("#")
    ]


def free_port() -> int:
    """An even UDP port that is free together with the next one, for RTP and RTCP."""
    return next(port for port in range(40_000, 60_000, 2) if not bound(port) and not bound(port + 1))


def wait_until_bound(port: int) -> None:
    """Waits until ffmpeg listens."""
    deadline = time.monotonic() + 20
    while not bound(port):
        assert time.monotonic() < deadline, "ffmpeg does not listen"
        time.sleep(0.02)


def bound(port: int) -> bool:
    """Whether somebody listens on a UDP port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
