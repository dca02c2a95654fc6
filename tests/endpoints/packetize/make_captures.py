"""Makes the golden captures: what ffmpeg sends over RTP for a test pattern, and the bitstream that it sent.

`python tests/payload/make_captures.py` writes `{h264,h265,av1}_packets.bin` (RTP packets, each behind its
length as uint16, RFC 4571) and `*_stream.bin` (elementary stream) beside this file.
"""

import socket
import subprocess
from pathlib import Path

import imageio_ffmpeg

HERE = Path(__file__).parent
FFMPEG = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y"]
PATTERN = ["-f", "lavfi", "-i", "testsrc2=size=96x96:rate=25:duration=0.24", "-pix_fmt", "yuv420p"]
PACKET_BYTES = 300
ENCODERS = {
    "h264": "-f h264 -c:v libx264 -qp 36 -tune zerolatency -x264-params sliced-threads=0:slices=2:keyint=3",
    "h265": "-f hevc -c:v libx265 -tune zerolatency"
    " -x265-params qp=36:log-level=none:info=0:keyint=3:repeat-headers=1:frame-threads=1:bframes=0",
    "av1": "-f obu -c:v libsvtav1 -qp 50 -svtav1-params pred-struct=1:keyint=3:lookahead=0:lp=1",
}
INPUT_FORMATS = {"h264": "h264", "h265": "hevc", "av1": "obu"}


def capture(codec: str) -> tuple[bytes, list[bytes]]:
    """The test pattern coded by ffmpeg, and the RTP packets in which ffmpeg sends it."""
    encode = [*FFMPEG, *PATTERN, *ENCODERS[codec].split(), "-"]
    stream = subprocess.run(encode, check=True, capture_output=True).stdout
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(0.5)
        url = f"rtp://127.0.0.1:{receiver.getsockname()[1]}?pkt_size={PACKET_BYTES}"
        send = [*FFMPEG, "-f", INPUT_FORMATS[codec], "-i", "-", "-c", "copy", "-strict", "experimental"]
        subprocess.run([*send, "-f", "rtp", url], input=stream, check=True, capture_output=True)
        packets = []
        while True:
            try:
                packets.append(receiver.recv(1 << 16))
            except TimeoutError:
                return stream, packets


def main() -> None:
    """Writes the captures of all three codecs."""
    for codec in ENCODERS:
        stream, packets = capture(codec)
        (HERE / f"{codec}_stream.bin").write_bytes(stream)
        framed = b"".join(len(p).to_bytes(2, "big") + p for p in packets)
        (HERE / f"{codec}_packets.bin").write_bytes(framed)
        print(codec, len(stream), "bytes in", len(packets), "packets")


if __name__ == "__main__":
    main()
