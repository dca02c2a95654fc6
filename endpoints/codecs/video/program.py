"""Encoders of the ffmpeg program that imageio-ffmpeg carries: VVC, which PyAV decodes and does not encode."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from functools import lru_cache

import av
import imageio_ffmpeg

from lossweep.channels.errors import MissingPackage
from lossweep.endpoints.codecs.video.codec import Codec, EncodeError
from lossweep.endpoints.packetize.annexb import join_nal_units, split_nal_units

LAST_OF_SLICES, IDR = 12, (7, 8)
"""Of nal_unit_type: those up to 12 are coded slices; IDR_W_RADL, IDR_N_LP (ITU-T H.266, Table 5)."""


def encode_by_program(
    codec: Codec, frames: Iterable[av.VideoFrame], fps: float, options: dict[str, str]
) -> tuple[tuple[bytes, ...], list[int]]:
    """Access units of yuv420p10le pictures of one size, and which of them are key frames.

    A picture is one slice; what stands before it (parameter sets) belongs to its access unit.

    Raises:
        MissingPackage: no ffmpeg program, or one without the encoder.
        EncodeError: it refuses the pictures, with its last line.
    """
    pictures = list(frames)
    size = f"{pictures[0].width}x{pictures[0].height}"
    command = [_program(codec.encoder), "-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p10le"]
    command += ["-s", size, "-r", f"{fps:g}", "-i", "-", "-c:v", codec.encoder, "-threads", "1"]
    command += [word for name, value in options.items() for word in (f"-{name}", value)]
    command += ["-f", "vvc", "-"]
    raw = b"".join(picture.to_ndarray().tobytes() for picture in pictures)
    done = subprocess.run(command, input=raw, capture_output=True)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").split("\n")
        raise EncodeError(f"{codec.encoder} does not encode {size}: {lines[0]}")
    return _access_units(done.stdout)


def _access_units(stream: bytes) -> tuple[tuple[bytes, ...], list[int]]:
    units: list[bytes] = []
    keys: list[int] = []
    waiting: list[bytes] = []
    for nal_unit in split_nal_units(stream):
        waiting.append(nal_unit)
        kind = nal_unit[1] >> 3
        if kind <= LAST_OF_SLICES:
            keys += [len(units)] if kind in IDR else []
            units.append(join_nal_units(waiting))
            waiting = []
    return tuple(units), keys


def program_version() -> str:
    """Version of the ffmpeg program; "" where there is none."""
    try:
        return str(imageio_ffmpeg.get_ffmpeg_version())
    except RuntimeError:
        return ""


@lru_cache(maxsize=2)
def _program(encoder: str) -> str:
    try:
        program = str(imageio_ffmpeg.get_ffmpeg_exe())
        encoders = subprocess.run([program, "-encoders"], capture_output=True, text=True, check=True).stdout
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        raise MissingPackage(
            f"{encoder} needs an ffmpeg that runs ({error}); install imageio-ffmpeg"
        ) from None
    if f" {encoder} " not in encoders:
        raise MissingPackage(
            f"{program} has no {encoder}; name an ffmpeg that has it in IMAGEIO_FFMPEG_EXE, or leave h266-ldpc out"
        )
    return program
