"""Video codecs as PyAV or ffmpeg drives them, set for low delay: IPPP, closed GOPs, one thread.

The options and their reasons: no reordering and no look-ahead (zero delay), an IDR every `gop` frames and
nowhere else, one thread (so that equal input gives equal bytes), no messages inside the stream.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from lossweep.channels.errors import LossweepError

os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 says errors only

LEAST_HEIGHT = 64
"""Of coded pictures."""


class EncodeError(LossweepError, ValueError):
    """An encoder cannot do what was asked; one line that says what and why."""


@dataclass(frozen=True)
class Codec:
    """One video codec: its encoder, its decoder, its options.

    Attributes:
        name: as in tables and scenarios.
        encoder, decoder: libavcodec names.
        quantizers: finest and coarsest quantizer (CRF) the encoder takes.
        quantizer_step: the encoder tells quantizers apart that differ by this much.
        options: (gop, quantizer) -> libavcodec's encoder options.
        in_program: PyAV lacks the encoder, and the ffmpeg program of imageio-ffmpeg has it.
        messages: NAL unit type of messages that are taken out of the stream, or None.
        conceals: a P frame that is cut short is decoded to the same picture whatever was decoded before, the
            missing part taken from its reference. True of libavcodec's h264 with one thread; its hevc leaves
            what the buffer held, dav1d refuses the frame.
    """

    name: str
    encoder: str
    decoder: str
    quantizers: tuple[float, float]
    quantizer_step: float
    options: Callable[[int, float], dict[str, str]]
    messages: int | None = None
    conceals: bool = False
    in_program: bool = False


def _parameters(**options: object) -> str:
    return ":".join(f"{key.replace('_', '-')}={value}" for key, value in options.items())


INFINITE = 1 << 16
"""GOP of an encoding with one key frame at its start; longer than any clip."""


def _x264(gop: int, quantizer: float) -> dict[str, str]:
    # stitchable: headers that do not depend on the quantizer, so that one chain can go on where another stops
    stitched = {"stitchable": 1} if gop == INFINITE else {}
    x264 = _parameters(
        scenecut=0, keyint=gop, min_keyint=gop, bframes=0, sliced_threads=0, threads=1, **stitched
    )
    return {"preset": "medium", "tune": "zerolatency", "crf": f"{quantizer:g}", "x264-params": x264}


def _x265(gop: int, quantizer: float) -> dict[str, str]:
    x265 = _parameters(
        keyint=gop,
        min_keyint=gop,
        scenecut=0,
        bframes=0,
        open_gop=0,
        rc_lookahead=0,
        frame_threads=1,
        pools="none",
        repeat_headers=1,
        info=0,
        log_level="none",
    )
    return {"tune": "zerolatency", "crf": f"{quantizer:g}", "x265-params": x265}


def _svt_av1(gop: int, quantizer: float) -> dict[str, str]:
    svt = _parameters(
        crf=f"{quantizer:g}",
        pred_struct=1,
        keyint=gop,
        scd=0,
        irefresh_type=2,
        lookahead=0,
        lp=1,
        rtc=0,
        enable_tf=0,
    )
    return {"preset": "8", "svtav1-params": svt}


def _vvenc(gop: int, quantizer: float) -> dict[str, str]:
    # only the first picture is a key frame: a GOP is encoded by itself
    vvenc = _parameters(
        picreordering=0, decodingrefreshtype="none", gopsize=8, intraperiod=0, accessunitdelimiter=0
    )
    return {"preset": "fast", "qp": f"{quantizer:.0f}", "qpa": "0", "vvenc-params": vvenc}


# x264 writes its settings into an SEI message (NAL unit type 6) of some 700 bytes.
H264 = Codec("h264", "libx264", "h264", (0, 51), 0.01, _x264, messages=6, conceals=True)
H265 = Codec("h265", "libx265", "hevc", (0, 51), 0.01, _x265)
AV1 = Codec("av1", "libsvtav1", "libdav1d", (0, 63), 0.25, _svt_av1)
H266 = Codec("h266", "libvvenc", "vvc", (0, 63), 1.0, _vvenc, in_program=True)
"""Not in `CODECS`: it has no RTP payload format here."""

CODECS = {codec.name: codec for codec in (H264, H265, AV1)}
