"""ffmpeg receives our speech packets over loopback and takes the coded frames out of them as they are."""

import hashlib
import socket
import subprocess
import time

import numpy as np
import pytest
from test_ffmpeg_plays import FFMPEG, free_port, wait_until_bound

from lossweep.endpoints.clip import Clip
from lossweep.endpoints.codecs.audio.aac import AacEndpoint, AacParams
from lossweep.endpoints.codecs.audio.opus import OpusEndpoint, OpusParams
from lossweep.endpoints.fec.none import NoCode
from lossweep.endpoints.packetize import aac, opus
from lossweep.sim.rtp import RTP_HEADER_BYTES

FRAMES = 20
ENDPOINTS = {"opus": (OpusEndpoint, OpusParams), "aac": (AacEndpoint, AacParams)}
MEDIA = {"opus": "104\na=rtpmap:104 opus/48000/2", "aac": "106\na=rtpmap:106 mpeg4-generic/16000/1"}
AAC_HBR = "streamtype=5;profile-level-id=15;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3"


@pytest.mark.parametrize("codec", ENDPOINTS)
def test_ffmpeg_takes_the_same_frames_out_of_our_packets(codec, tmp_path):
    cls, params = ENDPOINTS[codec]
    tone = 0.3 * np.sin(np.cumsum(np.linspace(0.02, 0.4, 32_000))).astype(np.float32)
    encoded = cls(params(), NoCode()).encode(Clip("chirp", speech=tone))
    stream = encoded.stream
    fmtp = f"a=fmtp:106 {AAC_HBR};config={encoded.session.config.hex()}\n" if codec == "aac" else ""
    port = free_port()
    sdp = tmp_path / "session.sdp"
    sdp.write_text(
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n"
        f"m=audio {port} RTP/AVP {MEDIA[codec]}\n{fmtp}"
    )
    quickly = ["-analyzeduration", "0", "-probesize", "32", "-protocol_whitelist", "file,udp,rtp"]
    hear = [*FFMPEG, *quickly, "-i", str(sdp), "-c", "copy", "-frames:a", str(FRAMES), "-f", "framemd5", "-"]
    with (
        subprocess.Popen(hear, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as listener,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        try:
            wait_until_bound(port)
            for packet in stream.packets:
                if listener.poll() is not None:
                    break
                sender.sendto(packet, ("127.0.0.1", port))
                time.sleep(0.005)
            heard, _ = listener.communicate(timeout=1)
        finally:
            listener.kill()
    got = [line.split(b",")[-1].strip().decode() for line in heard.splitlines() if not line.startswith(b"#")]
    payloads = [packet[RTP_HEADER_BYTES:] for packet in stream.packets]
    frames = [aac.depacketize(p)[0] if codec == "aac" else opus.depacketize(p) for p in payloads]
    sent = [hashlib.md5(frame).hexdigest() for frame in frames]
    assert listener.returncode == 0
    assert len(got) == FRAMES
    assert any(got == sent[i : i + FRAMES] for i in range(len(sent) - FRAMES + 1))
