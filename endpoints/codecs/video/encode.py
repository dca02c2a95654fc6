"""Pictures to access units, once for each content and setting."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from lossweep.endpoints.codecs.video.codec import LEAST_HEIGHT, Codec, EncodeError
from lossweep.endpoints.codecs.video.program import encode_by_program
from lossweep.endpoints.packetize.annexb import join_nal_units, split_nal_units


@dataclass(frozen=True)
class Coded:
    """A coded video sequence.

    Attributes:
        codec: name.
        access_units: one a frame; Annex B (H.264, H.265) or a temporal unit in low-overhead OBU format (AV1).
        gop: frames from one IDR to the next.
        quantizer: the CRF it was made with.
        width, height: of the coded pictures.
        bpp: coded bits a pixel *of the clip* (not of the coded resolution), nothing but access units counted.
    """

    codec: str
    access_units: tuple[bytes, ...]
    gop: int
    quantizer: float
    width: int
    height: int
    bpp: float


def versions() -> dict[str, str]:
    """Versions of PyAV and of the libraries that hold the codecs."""
    return {"av": av.__version__} | {k: ".".join(map(str, v)) for k, v in av.library_versions.items()}


def content_hash(video: Sequence[NDArray[Any]]) -> str:
    """Hash of the pictures of a clip and of their shape."""
    digest = hashlib.blake2b(digest_size=16)
    for picture in video:
        digest.update(str(picture.shape).encode())
        digest.update(np.ascontiguousarray(picture))
    return digest.hexdigest()


def encode(
    codec: Codec, video: Sequence[NDArray[np.uint8]], fps: float, gop: int, quantizer: float, resolution: int
) -> Coded:
    """Encodes a clip, low delay, an IDR every `gop` frames. Equal input gives equal bytes.

    Args:
        video: uint8 [frames][height, width, 3], RGB.
        fps: frames a second.
        gop: frames from one IDR to the next, >= 1.
        quantizer: constant rate factor, in `codec.quantizers`.
        resolution: coded height; the width follows the clip's shape. Even, 64 or more, at most the clip's height.
    Raises:
        EncodeError: a size the codec does not take, or an encoder that does not give a frame for a frame.
    """
    height, width = video[0].shape[:2]
    coded_height, coded_width = resolution, round(width * resolution / height / 2) * 2
    if height % 2 or width % 2 or resolution % 2:
        raise EncodeError(f"odd size {width}x{height} at coded height {resolution}: 4:2:0 needs even sizes")
    if resolution < LEAST_HEIGHT:
        raise EncodeError(f"pictures coded {resolution} pixels high; codecs take {LEAST_HEIGHT} or more")
    if resolution > height:
        raise EncodeError(f"coded height {resolution} is above the clip's {height}")
    pictures = (av.VideoFrame.from_ndarray(np.ascontiguousarray(one), format="rgb24") for one in video)
    pixels = "yuv420p10le" if codec.in_program else "yuv420p"
    frames = (one.reformat(coded_width, coded_height, pixels, interpolation="AREA") for one in pictures)
    coder = encode_by_program if codec.in_program else _encode
    units, keys = coder(codec, frames, fps, codec.options(gop, quantizer))
    if len(units) != len(video) or keys != list(range(0, len(video), gop)):
        raise EncodeError(
            f"{codec.encoder} gave {len(units)} access units for {len(video)} frames, IDRs at {keys[:4]}"
        )
    bits = 8 * sum(map(len, units))
    bpp = bits / (len(video) * width * height)
    return Coded(codec.name, units, gop, quantizer, coded_width, coded_height, bpp)


def _encode(
    codec: Codec, frames: Iterable[av.VideoFrame], fps: float, options: dict[str, str]
) -> tuple[tuple[bytes, ...], list[int]]:
    """Access units of yuv420p pictures, and which of them are key frames."""
    context = av.CodecContext.create(codec.encoder, "w")
    context.pix_fmt = "yuv420p"
    context.framerate = Fraction(fps).limit_denominator(1001)
    context.time_base = 1 / context.framerate
    context.thread_count = 1
    context.options = options
    packets = []
    for index, frame in enumerate(frames):
        if not index:
            context.width, context.height = frame.width, frame.height
        frame.pts, frame.time_base = index, context.time_base
        packets += context.encode(frame)
    packets += context.encode(None)
    keys = [i for i, packet in enumerate(packets) if packet.is_keyframe]
    return tuple(_without_messages(bytes(packet), codec.messages) for packet in packets), keys


def _without_messages(access_unit: bytes, nal_unit_type: int | None) -> bytes:
    if nal_unit_type is None:
        return access_unit
    return join_nal_units([n for n in split_nal_units(access_unit) if n[0] & 0x1F != nal_unit_type])
