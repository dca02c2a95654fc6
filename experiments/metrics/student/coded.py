"""Frames as codecs leave them: coded at many rates and GOPs, and damaged by loss."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import av
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lossweep.endpoints.codecs.video.codec import CODECS, Codec
from lossweep.endpoints.codecs.video.encode import Coded, encode

Video = dict[int, NDArray[np.uint8]]
"""Pictures by frame number; frames that a decoder did not give are not there."""

ENCODINGS = {"h264": 3, "h265": 2, "av1": 2}
"""Encodings of each clip."""


def coded_videos(frames: Sequence[NDArray[np.uint8]], rng: Generator) -> list[tuple[str, Video]]:
    """The clip in several encodings, each also with losses where the decoder gives pictures all the same.

    Returns:
        (kind, pictures): kind "h264", "h265", "av1", or "loss".
    """
    av.logging.set_level(av.logging.PANIC)
    logging.getLogger("libav").setLevel(logging.CRITICAL)
    videos = []
    for name, count in ENCODINGS.items():
        codec = CODECS[name]
        for _ in range(count):
            quantizer = float(rng.uniform(22, 63 if name == "av1" else 51))
            size = len(frames[0])
            resolution = size if rng.random() < 0.8 else int(rng.choice([size // 2, size * 3 // 4]))
            coded = encode(codec, frames, 25.0, int(rng.choice([4, 16, 32, 128])), quantizer, resolution)
            whole = _decode(codec, coded.access_units, frames[0].shape)
            videos.append((name, whole))
            if name != "av1":
                damaged = _decode(codec, _with_losses(coded, rng), frames[0].shape)
                changed = {i: p for i, p in damaged.items() if i in whole and not np.array_equal(p, whole[i])}
                videos.append(("loss", changed))
    return [(kind, video) for kind, video in videos if video]


def _with_losses(coded: Coded, rng: Generator) -> list[bytes]:
    """Access units of which about one in ten P frames is cut short or lost."""
    units = []
    for index, unit in enumerate(coded.access_units):
        if index % coded.gop == 0 or rng.random() > 0.1:
            units.append(unit)
        else:
            units.append(unit[: int(len(unit) * rng.uniform(0.05, 0.95))] if rng.random() < 0.75 else b"")
    return units


def _decode(codec: Codec, units: Sequence[bytes], shape: tuple[int, ...]) -> Video:
    context = av.CodecContext.create(codec.decoder, "r")
    context.thread_count = 1
    pictures: Video = {}
    for index, unit in [*enumerate(units), (len(units), None)]:
        packet = None if unit is None else av.Packet(unit)
        if packet is not None:
            if not unit:
                continue
            packet.pts = index
        try:
            frames = context.decode(packet)
        except av.FFmpegError:
            continue
        for frame in frames:
            if frame.pts is not None:
                rgb = frame.reformat(shape[1], shape[0], "rgb24", interpolation="BICUBIC")
                pictures[frame.pts] = rgb.to_ndarray()
    return pictures
